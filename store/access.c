#include "config.h"

#include "lib/base/str.h"
#include "lib/mail/door_proto.h"
#include "store/access.h"
#include "store/door_client.h"

/* 1 where the field is absent, or names the door's own user. */
static int
is_own(const struct client *c, const struct msg *m, uint8_t tag)
{
	const char *p;
	size_t len;

	if (!msg_has(m, tag))
		return 1;
	p = msg_get(m, tag, &len);
	return len > 0 && str_is(p, len, c->user);
}

enum door_error
access_judge(const struct client *c, const struct msg *m)
{
	if (c->kind == PEER_FOLLOW)
		return D_OK;
	/* In a COPY that field is the target's owner, elsewhere a name. */
	if (!is_own(c, m, DF_OWNER) ||
	    (m->type == DM_COPY && !is_own(c, m, DF_TO_NAME)))
		return D_ABSENT;
	return D_OK;
}
