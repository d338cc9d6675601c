/* Calls about Sieve scripts. */
#include "lib/mail/door_impl.h"

/* Appends the octets of a field of an answer of that type. */
static int
take_bytes(struct door *d, unsigned type, uint8_t tag, struct buf *out)
{
	const char *p;
	struct msg m;
	size_t len;

	if (door_call(d, type, &m) == -1)
		return -1;
	p = msg_get(&m, tag, &len);
	buf_append(out, p, len);
	msg_done(&m);
	return 0;
}

int
door_script_list(struct door *d, struct buf *names_r)
{
	door_begin(d, DM_SCRIPT_LIST);
	return take_bytes(d, DM_NAMES, DF_NAMES, names_r);
}

int
door_script_get(struct door *d, const char *name, struct buf *text_r)
{
	door_begin(d, DM_SCRIPT_GET);
	msg_text(&d->chan, DF_NAME, name);
	return take_bytes(d, DM_SCRIPT_IS, DF_CACHE, text_r);
}

int
door_script_put(struct door *d, const char *name, const char *p, size_t len,
    int activate)
{
	door_begin(d, DM_SCRIPT_PUT);
	msg_text(&d->chan, DF_NAME, name);
	msg_bytes(&d->chan, DF_CACHE, p, len);
	msg_u32(&d->chan, DF_ON, activate != 0);
	return door_do(d);
}

static int
by_name(struct door *d, unsigned type, const char *name)
{
	door_begin(d, type);
	msg_text(&d->chan, DF_NAME, name);
	return door_do(d);
}

int
door_script_activate(struct door *d, const char *name)
{
	return by_name(d, DM_SCRIPT_ACTIVATE, name);
}

int
door_script_delete(struct door *d, const char *name)
{
	return by_name(d, DM_SCRIPT_DELETE, name);
}
