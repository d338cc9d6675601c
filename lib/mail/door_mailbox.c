/* Calls about mailboxes as such: their list, their state, the quota. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/door_impl.h"

/* Copies the one mailbox of an answer, without its name. */
static int
get_mailbox(struct door *d, const struct msg *m, struct door_mailbox *r)
{
	const char *p, *name;
	struct cursor c;
	size_t len;

	p = msg_get(m, DF_MAILBOXES, &len);
	cursor_init(&c, p, len);
	if (door_unpack_mailbox(&c, r, &name, &len) == -1)
		return door_lost(d, "the store gave a broken mailbox");
	return 0;
}

void
door_list_free(struct door_mailbox **list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free((*list)[i].name);
	free(*list);
	*list = NULL;
}

static void
get_list(const struct msg *m, struct door_mailbox **list, size_t *n)
{
	struct door_mailbox one;
	const char *p, *name;
	struct cursor c;
	size_t len;

	p = msg_get(m, DF_MAILBOXES, &len);
	cursor_init(&c, p, len);
	while (cursor_left(&c) > 0 &&
	    door_unpack_mailbox(&c, &one, &name, &len) == 0) {
		one.name = mem_strndup(name != NULL ? name : "", len);
		*list = mem_realloc(*list, *n + 1, sizeof(**list));
		(*list)[(*n)++] = one;
	}
}

int
door_list(struct door *d, struct door_mailbox **list_r, size_t *n_r)
{
	struct door_mailbox *list = NULL;
	size_t n = 0, before;
	uint32_t more;
	struct msg m;

	do {
		before = n;
		door_begin(d, DM_LIST);
		msg_text(&d->chan, DF_NAME, n > 0 ? list[n - 1].name : "");
		if (door_call(d, DM_MAILBOXES, &m) == -1) {
			door_list_free(&list, n);
			return -1;
		}
		get_list(&m, &list, &n);
		more = msg_get_u32(&m, DF_MORE);
		msg_done(&m);
	} while (more && n > before);
	*list_r = list;
	*n_r = n;
	return 0;
}

/* A call that is answered by one mailbox. */
static int
door_one(struct door *d, struct door_mailbox *m_r, uint32_t *recent_uid_r)
{
	struct msg m;
	int r;

	if (door_call(d, DM_MAILBOX, &m) == -1)
		return -1;
	if (recent_uid_r != NULL)
		*recent_uid_r = msg_get_u32(&m, DF_UID);
	r = get_mailbox(d, &m, m_r);
	msg_done(&m);
	return r;
}

int
door_create(struct door *d, const char *name, uint32_t attrs,
    struct door_mailbox *m_r)
{
	door_begin(d, DM_CREATE);
	msg_text(&d->chan, DF_NAME, name);
	msg_u32(&d->chan, DF_ATTRS, attrs);
	return door_one(d, m_r, NULL);
}

int
door_adopt(struct door *d, const char *name, uint32_t attrs,
    uint32_t uidvalidity, uint32_t uidnext, struct door_mailbox *m_r)
{
	door_begin(d, DM_ADOPT);
	msg_text(&d->chan, DF_NAME, name);
	msg_u32(&d->chan, DF_ATTRS, attrs);
	msg_u32(&d->chan, DF_UIDVALIDITY, uidvalidity);
	msg_u32(&d->chan, DF_UID, uidnext);
	return door_one(d, m_r, NULL);
}

int
door_delete(struct door *d, uint32_t id)
{
	door_begin(d, DM_DELETE);
	msg_u32(&d->chan, DF_MAILBOX, id);
	return door_do(d);
}

int
door_rename(struct door *d, const char *from, const char *to)
{
	door_begin(d, DM_RENAME);
	msg_text(&d->chan, DF_NAME, from);
	msg_text(&d->chan, DF_TO_NAME, to);
	return door_do(d);
}

int
door_subscribe(struct door *d, const char *name, int on)
{
	door_begin(d, DM_SUBSCRIBE);
	msg_text(&d->chan, DF_NAME, name);
	msg_u32(&d->chan, DF_ON, on != 0);
	return door_do(d);
}

/* A call that is answered by a list of names. */
static int
door_names(struct door *d, struct buf *names_r)
{
	const char *p;
	struct msg m;
	size_t len;
	int r = 0;

	if (door_call(d, DM_NAMES, &m) == -1)
		return -1;
	p = msg_get(&m, DF_NAMES, &len);
	buf_reset(names_r);
	if (len > 0 && buf_append(names_r, p, len) == -1)
		r = door_fail(d, D_REFUSED, "too many names");
	msg_done(&m);
	return r;
}

int
door_subscribed(struct door *d, struct buf *names_r)
{
	door_begin(d, DM_SUBSCRIBED);
	return door_names(d, names_r);
}

int
door_status(struct door *d, uint32_t id, struct door_mailbox *m_r)
{
	door_begin(d, DM_STATUS);
	msg_u32(&d->chan, DF_MAILBOX, id);
	return door_one(d, m_r, NULL);
}

int
door_select(struct door *d, uint32_t id, int writable,
    struct door_mailbox *m_r, uint32_t *recent_uid_r)
{
	door_begin(d, DM_SELECT);
	msg_u32(&d->chan, DF_MAILBOX, id);
	msg_u32(&d->chan, DF_ON, writable != 0);
	return door_one(d, m_r, recent_uid_r);
}

int
door_unselect(struct door *d, uint32_t id)
{
	door_begin(d, DM_UNSELECT);
	msg_u32(&d->chan, DF_MAILBOX, id);
	return door_do(d);
}

int
door_keywords(struct door *d, uint32_t id, struct buf *list_r)
{
	door_begin(d, DM_KEYWORDS);
	msg_u32(&d->chan, DF_MAILBOX, id);
	return door_names(d, list_r);
}

int
door_pop_lock(struct door *d)
{
	door_begin(d, DM_POP_LOCK);
	return door_do(d);
}

int
door_quotas(struct door *d, struct door_quotas *q)
{
	struct cursor c;
	const char *p;
	struct msg m;
	size_t len;

	memset(q, 0, sizeof(*q));
	door_begin(d, DM_QUOTA);
	if (door_call(d, DM_QUOTA_IS, &m) == -1)
		return -1;
	q->user = (struct door_usage){ msg_get_u64(&m, DF_SIZE),
		msg_get_u64(&m, DF_SIZE_MAX), msg_get_u64(&m, DF_COUNT),
		msg_get_u64(&m, DF_COUNT_MAX) };
	p = msg_get(&m, DF_RECORDS, &len);
	if (p != NULL && len == DOOR_SUM_SIZE) {
		cursor_init(&c, p, len);
		q->domain.size = cursor_u64(&c);
		q->domain.size_max = cursor_u64(&c);
		q->domain.count = cursor_u64(&c);
		q->domain.count_max = cursor_u64(&c);
		p = msg_get(&m, DF_NAME, &len);
		if (p != NULL && len <= DOMAIN_MAX)
			memcpy(q->name, p, len);
	}
	msg_done(&m);
	return 0;
}

int
door_quota(struct door *d, uint64_t *size_r, uint64_t *size_max_r,
    uint64_t *count_r, uint64_t *count_max_r)
{
	struct door_quotas q;

	if (door_quotas(d, &q) == -1)
		return -1;
	*size_r = q.user.size;
	*size_max_r = q.user.size_max;
	*count_r = q.user.count;
	*count_max_r = q.user.count_max;
	return 0;
}
