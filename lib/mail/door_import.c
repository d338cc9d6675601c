/* What ctl alone may ask of a door: mailboxes and messages with numbers of
   another server. */
#include <poll.h>
#include <string.h>

#include "lib/mail/door_impl.h"

enum { WAIT_MS = 600 * 1000 };	/* for the disk to take one call's messages */

int
door_import_begin(struct door *d, uint32_t id,
    const struct door_imported *list, size_t n, uint32_t *id_r)
{
	static const unsigned char none[DOOR_ID];
	size_t i;

	if (door_later_may(d) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		door_put_append(d, DM_IMPORT, id, &list[i].m);
		msg_u32(&d->chan, DF_UID, list[i].uid);
		if (memcmp(list[i].id, none, DOOR_ID) != 0)
			msg_bytes(&d->chan, DF_RECORDS, list[i].id, DOOR_ID);
		if (door_put_part(d, i, n) == -1)
			return -1;
	}
	door_later_begun(d, id_r);
	return 0;
}

int
door_import(struct door *d, uint32_t id, const struct door_imported *list,
    size_t n, uint32_t *uid_r, uint32_t *uidvalidity_r)
{
	struct pollfd p = { .fd = d->chan.fd, .events = POLLIN };
	const uint32_t *changed;
	uint32_t call;
	size_t n_changed;
	int listed;

	if (door_import_begin(d, id, list, n, &call) == -1)
		return -1;
	while (!door_answered(d)) {
		if (!door_pending(d) && poll(&p, 1, WAIT_MS) == 0)
			break;
		if (door_events(d, &changed, &n_changed, &listed) == -1)
			break;
	}
	return door_append_end(d, call, uid_r, uidvalidity_r);
}
