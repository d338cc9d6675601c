/* Requests that are answered at once. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "lib/mail/uids.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_keywords.h"
#include "store/account_mailbox.h"
#include "store/account_quota.h"
#include "store/door_client.h"
#include "store/index_cache.h"
#include "store/door_watch.h"
#include "store/op_read.h"
#include "store/sum.h"

static int
cmp_boxes(const void *a, const void *b)
{
	const struct mailbox *const *x = a, *const *y = b;

	return boxes_cmp((*x)->name, (*y)->name);
}

static void
op_list(struct request *r)
{
	struct account *a = r->account;
	struct buf out = BUF_INIT(DOOR_PACKED_MAX);
	char *after = msg_get_dup(r->m, DF_NAME);
	struct mailbox **list;
	struct door_mailbox d;
	size_t i;
	int more = 0;

	list = mem_zalloc(a->n_mailboxes + 1, sizeof(*list));
	if (a->n_mailboxes > 0)
		memcpy(list, a->mailbox, a->n_mailboxes * sizeof(*list));
	qsort(list, a->n_mailboxes, sizeof(*list), cmp_boxes);
	for (i = 0; i < a->n_mailboxes && !more; i++) {
		if (*after != '\0' && boxes_cmp(list[i]->name, after) <= 0)
			continue;
		mailbox_status(list[i], &d);
		d.name = list[i]->name;
		more = door_pack_mailbox(&out, &d) == -1;
	}
	if (client_begin(r->c, DM_MAILBOXES, r->m->id)) {
		msg_bytes(&r->c->chan, DF_MAILBOXES, buf_str(&out), out.len);
		msg_u32(&r->c->chan, DF_MORE, (uint32_t)more);
		client_end(r->c, r->account->shard);
	}
	free(list);
	free(after);
	buf_clear(&out);
}

static void
answer_names(const struct request *r, char **names, size_t n)
{
	struct buf out = BUF_INIT(DOOR_PACKED_MAX);
	size_t i;

	for (i = 0; i < n; i++)
		buf_put_lv(&out, names[i], strlen(names[i]));
	if (client_begin(r->c, DM_NAMES, r->m->id)) {
		msg_bytes(&r->c->chan, DF_NAMES, buf_str(&out), out.len);
		client_end(r->c, r->account->shard);
	}
	buf_clear(&out);
}

static void
op_subscribed(struct request *r)
{
	answer_names(r, r->account->subscribed,
	    r->account->n_subscribed);
}

static void
op_keywords(struct request *r)
{
	if (mailbox_keywords(r->mailbox) == -1)
		request_fail(r, D_LATER, "the index does not answer");
	else
		answer_names(r, r->mailbox->keywords, r->mailbox->n_keywords);
}

static void
answer_mailbox(const struct request *r, const struct door_mailbox *d,
    uint32_t recent_uid)
{
	struct buf out = BUF_INIT(0);

	door_pack_mailbox(&out, d);
	if (client_begin(r->c, DM_MAILBOX, r->m->id)) {
		msg_bytes(&r->c->chan, DF_MAILBOXES, out.data, out.len);
		msg_u32(&r->c->chan, DF_UID, recent_uid);
		client_end(r->c, r->account->shard);
	}
	buf_clear(&out);
}

static void
op_status(struct request *r)
{
	struct door_mailbox d;

	mailbox_status(r->mailbox, &d);
	answer_mailbox(r, &d, 0);
}

/*
 * The first session that may write takes what is recent; those messages are
 * recent for no other (RFC 3501 2.3.2). On a full disk they stay recent. Who is
 * told of each delivery takes it each time: the row goes with the next commit.
 */
static void
take_recent(struct mailbox *m)
{
	if (m->seen.recent == 0 || store_room() >= STORE_NO_CHANGES)
		return;
	m->row.recent -= m->seen.recent;
	m->seen.recent = 0;
	m->row.recent_low = m->seen.recent_low = m->seen.uidnext;
	shard_row_later(m);
}

static void
op_select(struct request *r)
{
	struct mailbox *m = r->mailbox;
	uint32_t low = m->seen.recent_low;
	struct door_mailbox d;

	if (m->attrs & ATTR_NOSELECT) {
		request_fail(r, D_ABSENT, "it only has children");
		return;
	}
	if (client_watch(r->c, m) == -1) {
		request_fail(r, D_REFUSED, "too many mailboxes are watched");
		return;
	}
	mailbox_status(m, &d);
	if (msg_get_u32(r->m, DF_ON))
		take_recent(m);
	answer_mailbox(r, &d, low);
}

static void
op_unselect(struct request *r)
{
	struct mailbox *m = account_mailbox(r->account,
	    msg_get_u32(r->m, DF_MAILBOX));

	if (m != NULL)
		client_unwatch(r->c, m);
	client_done(r->c, r->m->id);
}

enum {
	/* As many changes are looked up one by one as this part of all
	   messages, and a few. */
	CHANGED_PART = 8,
	CHANGED_FEW = 64,
	/* What records may take with their keywords. */
	RECORDS_ROOM = DOOR_PACKED_MAX - DOOR_RECORD_MAX - 8 - KEYWORD_PACKED,
};

struct records {
	const struct mailbox *m;
	uint64_t since;
	struct buf out, wide, gone;
	int	 more, complete;
	uint32_t *uids;			/* that changed */
	size_t	 n_uids, cap_uids, max_uids;
	int	 old;			/* one that has not changed was seen */
	uint32_t last;
};

static int
add_record(void *arg, const struct record *r)
{
	struct records *s = arg;
	const struct door_record *d = &r->d;

	if (d->uid >= s->m->seen.uidnext)
		return 1;
	s->last = d->uid;
	if (d->modseq <= s->since)
		return 0;
	if (s->out.len >= DOOR_RECORDS_MAX * DOOR_RECORD_SIZE ||
	    s->wide.len + 8 + KEYWORD_PACKED > DOOR_WIDE_MAX ||
	    s->out.len + s->wide.len >= RECORDS_ROOM) {
		s->more = 1;
		return 1;
	}
	door_pack_record(&s->out, d);
	door_pack_wide(&s->wide, d->uid, r->wide, r->wide_len);
	return 0;
}

static int
add_gone(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct records *s = arg;
	size_t at = vlen % 4 != 0 ? 5 : 0;	/* index.h: version, when */

	return vlen < at || buf_append(&s->gone, (const char *)value + at,
	    vlen - at) == -1;
}

/* What was expunged since; ENGINE_MORE where that cannot be told. */
static enum engine_result
gather_gone(struct records *s)
{
	const struct mailbox *m = s->m;
	struct index_key from, to;
	struct engine_scan scan;

	if (s->since == 0)
		return ENGINE_DONE;
	if (s->since < m->row.gone_floor)
		return ENGINE_MORE;
	if (s->since >= m->row.modseq)
		return ENGINE_DONE;
	from = index_gone(m->account->number, m->id, s->since + 1);
	to = index_gone(m->account->number, m->id, UINT64_MAX);
	index_scan(&scan, ENGINE_CORE, &from, &to);
	return engine_scan(m->account->db, &scan, add_gone, s);
}

/* There is room for as many as were found, not for as many as may be: a large
   mailbox with few changes costs no more than a small one. */
static void
add_uid(struct records *s, uint32_t uid)
{
	if (s->n_uids == s->cap_uids) {
		s->cap_uids = s->cap_uids * 2 + 16;
		s->uids = mem_realloc(s->uids, s->cap_uids, sizeof(*s->uids));
	}
	s->uids[s->n_uids++] = uid;
}

static int
add_changed(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct records *s = arg;

	add_uid(s, index_tail_u32(key, klen));
	return 0;
}

static int
add_new(void *arg, const struct record *r)
{
	struct records *s = arg;

	if (r->d.modseq <= s->since)
		s->old = 1;
	if (r->d.modseq <= s->since || r->ordered)
		return 0;
	if (s->n_uids == s->max_uids)
		return 1;
	add_uid(s, r->d.uid);
	return 0;
}

/* The highest uid below that; 0: there is none. */
static enum engine_result
uid_below(const struct mailbox *m, uint32_t below, uint32_t *uid_r)
{
	struct index_key from = index_message(m->account->number, m->id, 0);
	struct index_key to = index_message(m->account->number, m->id, below);
	struct buf key = BUF_INIT(0);
	enum engine_result r = engine_last(m->account->db, ENGINE_CORE, from.k,
	    from.len, to.k, to.len, &key);

	*uid_r = r == ENGINE_DONE ? index_tail_u32(key.data, key.len) : 0;
	buf_clear(&key);
	return r == ENGINE_ABSENT ? ENGINE_DONE : r;
}

/*
 * Messages that came since then. As they come, modseqs rise with uids: below one
 * that was there already there is none. Each piece ends at a message, for there
 * may be wide gaps, and is no larger than what was found before it.
 */
static enum engine_result
find_new(struct records *s)
{
	const struct account *a = s->m->account;
	uint32_t to = s->m->row.uidnext, piece = 1, from;
	enum engine_result r;

	while ((r = uid_below(s->m, to, &to)) == ENGINE_DONE && to > 0) {
		from = to > piece ? to - piece + 1 : 1;
		r = index_range(a->db, a->number, s->m->id, from, to, add_new,
		    s);
		if (r != ENGINE_DONE || s->old)
			break;
		to = from;
		piece = piece < UINT32_MAX / 2 ? piece * 2 : piece;
	}
	return r;
}

/*
 * The uids that came or changed since then, rising. ENGINE_MORE where they are
 * so many that it is quicker to look at all messages, or not known.
 */
static enum engine_result
find_changed(struct records *s)
{
	const struct mailbox *m = s->m;
	uint32_t n = m->account->number;
	struct index_key from = index_order(n, m->id, s->since + 1, 0);
	struct index_key to = index_group(n, m->id);
	struct engine_scan scan;
	enum engine_result r;

	if (s->since == 0 || s->since < m->row.order_floor)
		return ENGINE_MORE;
	to.k[to.len++] = 'o' + 1;
	index_scan(&scan, ENGINE_CORE, &from, &to);
	s->max_uids = scan.max = m->row.messages / CHANGED_PART + CHANGED_FEW;
	r = engine_scan(m->account->db, &scan, add_changed, s);
	if (r == ENGINE_DONE)
		r = find_new(s);
	s->n_uids = uids_sort(s->uids, s->n_uids);
	return r;
}

static enum engine_result
gather_records(struct records *s, uint32_t from)
{
	const struct account *a = s->m->account;
	enum engine_result r = find_changed(s);
	size_t i = 0;

	if (r == ENGINE_MORE)
		return index_range(a->db, a->number, s->m->id, from,
		    UINT32_MAX, add_record, s);
	while (i < s->n_uids && s->uids[i] < from)
		i++;
	if (r != ENGINE_DONE || i == s->n_uids)
		return r;
	return index_records(a->db, a->number, s->m->id, s->uids + i,
	    s->n_uids - i, add_record, s);
}

/* Gathers both. 0, or -1 having answered. */
static int
gather(struct request *r, struct records *s, uint32_t from)
{
	const struct mailbox *m = s->m;
	enum engine_result e = from <= 1 ? gather_gone(s) : ENGINE_DONE;

	if (request_read(r, e) == -1)
		return -1;
	s->complete = e == ENGINE_DONE;
	if (!s->complete)
		buf_reset(&s->gone);
	if (!s->complete || (s->since >= m->row.modseq && from <= 1))
		return 0;
	return request_read(r, gather_records(s, from));
}

static void
op_records(struct request *r)
{
	struct mailbox *m = r->mailbox;
	struct records s = { .m = m, .since = msg_get_u64(r->m, DF_MODSEQ),
		.gone = BUF_INIT(4 * DOOR_RECORDS_MAX) };
	uint32_t from = msg_get_u32(r->m, DF_UID);
	uint64_t state = mailbox_modseq(m);

	if (gather(r, &s, from) == 0 &&
	    client_begin(r->c, DM_RECORDS_ARE, r->m->id)) {
		msg_bytes(&r->c->chan, DF_RECORDS, buf_str(&s.out), s.out.len);
		msg_bytes(&r->c->chan, DF_UIDS, buf_str(&s.gone), s.gone.len);
		if (s.wide.len > 0)
			msg_bytes(&r->c->chan, DF_NAMES, s.wide.data,
			    s.wide.len);
		msg_u64(&r->c->chan, DF_MODSEQ, state);
		msg_u32(&r->c->chan, DF_ON, (uint32_t)s.complete);
		msg_u32(&r->c->chan, DF_MORE, (uint32_t)s.more);
		if (msg_get_u32(r->m, DF_ON) && s.complete &&
		    r->c->kind == PEER_IMAPD) {
			if (m->seen.recent > 0)
				msg_u32(&r->c->chan, DF_UID,
				    m->seen.recent_low);
			take_recent(m);
		}
		client_end(r->c, r->account->shard);
	}
	buf_clear(&s.out);
	buf_clear(&s.wide);
	buf_clear(&s.gone);
	free(s.uids);
}

/* What is gone, and nothing else. */
static void
op_vanished(struct request *r)
{
	struct records s = { .m = r->mailbox,
		.since = msg_get_u64(r->m, DF_MODSEQ),
		.gone = BUF_INIT(4 * DOOR_RECORDS_MAX) };
	uint64_t state = mailbox_modseq(s.m);
	enum engine_result e = s.since == 0 ? ENGINE_MORE : gather_gone(&s);

	if (e == ENGINE_MORE)
		buf_reset(&s.gone);
	if (request_read(r, e) == 0 &&
	    client_begin(r->c, DM_RECORDS_ARE, r->m->id)) {
		msg_bytes(&r->c->chan, DF_RECORDS, "", 0);
		msg_bytes(&r->c->chan, DF_UIDS, buf_str(&s.gone), s.gone.len);
		msg_u64(&r->c->chan, DF_MODSEQ, state);
		msg_u32(&r->c->chan, DF_ON, e == ENGINE_DONE);
		client_end(r->c, r->account->shard);
	}
	buf_clear(&s.gone);
}

/*
 * Opens all of them, -1 for one that is gone. One that was expunged is there as
 * long as its file is kept: sessions that were not told go on reading it (RFC
 * 2180 4.1.1), and who asks in the middle of an EXPUNGE finds it. An error that
 * is none of the message's (no descriptors, the disk) must not look like a
 * message that is gone: -1 then, with none open.
 */
static int
open_all(const struct mailbox *m, const uint32_t *uids, size_t n, int *fd)
{
	const char *path = m->account->path;
	size_t i;

	for (i = 0; i < n; i++) {
		fd[i] = -1;
		if (uids[i] >= m->seen.uidnext)
			continue;
		fd[i] = body_open(path, m->id, uids[i]);
		if (fd[i] == -1 && errno == ENOENT)
			fd[i] = body_open_expunged(path, m->id, uids[i]);
		if (fd[i] != -1 || errno == ENOENT)
			continue;
		log_warn("%s/%u/%u: %s", path, m->id, uids[i],
		    strerror(errno));
		if (errno != EMFILE && errno != ENFILE && errno != ENOMEM)
			continue;
		while (i-- > 0)
			fd_close(&fd[i]);
		return -1;
	}
	return 0;
}

/*
 * A descriptor that is sent and not received counts against all of store's
 * (unix(7), ETOOMANYREFS). Who waits for each answer has read the one before.
 */
static int
client_unread(struct client *c, size_t n)
{
	int queued = 0, r;

	/* One that follows is served by every shard. */
	pthread_mutex_lock(&c->lock);
	if (c->opened >= CLIENT_OPENED && !c->gone &&
	    ioctl(c->chan.fd, SIOCOUTQ, &queued) == 0 && queued == 0)
		c->opened = 0;
	c->opened += (unsigned)n;
	r = c->opened > CLIENT_UNREAD_MAX;
	pthread_mutex_unlock(&c->lock);
	return r;
}

static void
op_open(struct request *r)
{
	struct mailbox *m = r->mailbox;
	char found[DOOR_OPEN_MAX] = { 0 };
	int fd[DOOR_OPEN_MAX];
	uint32_t *uids;
	size_t i, n;

	if ((uids = request_uids(r, &n)) == NULL) {
		request_fail(r, D_REFUSED, "uids do not rise");
		return;
	}
	if (client_unread(r->c, n)) {
		client_break(r->c);	/* it does not take them */
		free(uids);
		return;
	}
	if (open_all(m, uids, n, fd) == -1) {
		request_fail(r, D_LATER, "the store has no descriptors left");
		free(uids);
		return;
	}
	for (i = 0; i < n; i++)
		found[i] = fd[i] != -1;
	if (client_begin(r->c, DM_FILES, r->m->id)) {
		msg_bytes(&r->c->chan, DF_FOUND, found, n);
		for (i = 0; i < n; i++)
			if (fd[i] != -1)
				msg_fd(&r->c->chan, fd[i]);
		client_end(r->c, r->account->shard);
	} else {
		for (i = 0; i < n; i++)
			fd_close(&fd[i]);
	}
	free(uids);
}

static void
op_cache_get(struct request *r)
{
	struct mailbox *m = r->mailbox;
	struct buf out = BUF_INIT(DOOR_PACKED_MAX), v = BUF_INIT(0);
	struct buf row = BUF_INIT(0);
	struct index_key k;
	uint32_t *uids;
	size_t i, n;

	if (request_commit(r) == -1)
		return;
	if ((uids = request_uids(r, &n)) == NULL) {
		request_fail(r, D_REFUSED, "uids do not rise");
		return;
	}
	for (i = 0; i < n; i++) {
		k = index_message(m->account->number, m->id, uids[i]);
		buf_reset(&v);
		if (engine_get(m->account->db, ENGINE_CACHE, k.k, k.len,
		    &row) != ENGINE_DONE ||
		    index_cache_get(buf_str(&row), row.len, &v) == -1)
			buf_reset(&v);
		if (buf_reserve(&out, 8 + v.len) == -1)
			break;
		buf_put_u32(&out, uids[i]);
		buf_put_lv(&out, buf_str(&v), v.len);
		buf_reset(&row);
	}
	if (client_begin(r->c, DM_CACHE, r->m->id)) {
		msg_bytes(&r->c->chan, DF_CACHE, buf_str(&out), out.len);
		msg_u64(&r->c->chan, DF_COUNT, i);
		client_end(r->c, r->account->shard);
	}
	free(uids);
	buf_clear(&out);
	buf_clear(&row);
	buf_clear(&v);
}

static void
op_cache_put(struct request *r)
{
	struct mailbox *m = r->mailbox;
	uint32_t uid = msg_get_u32(r->m, DF_UID);
	struct index_key k = index_message(m->account->number, m->id, uid);
	struct buf v = BUF_INIT(0);
	struct cache_row row;
	const char *p;
	size_t len;

	p = msg_get(r->m, DF_CACHE, &len);
	index_cache_row(&row, p, len);
	if (row.len > 0 && engine_get(m->account->db, ENGINE_CORE, k.k, k.len,
	    &v) == ENGINE_DONE)
		engine_put(account_batch(m->account), ENGINE_CACHE, k.k, k.len,
		    row.p, row.len);
	buf_clear(&v);
}

static void
op_pop_lock(struct request *r)
{
	struct account *a = r->account;

	if (a->pop != NULL && a->pop != r->c) {
		request_fail(r, D_IN_USE, "another session has the lock");
		return;
	}
	a->pop = r->c;
	client_done(r->c, r->m->id);
}

/* What its domain holds, where that has bounds. */
static void
put_domain(struct client *c, const struct account *a)
{
	struct buf packed = BUF_INIT(DOOR_SUM_SIZE);
	char domain[DOMAIN_MAX + 1];
	struct warn_usage u;

	if (!sum_usage(a->name, domain, &u))
		return;
	buf_put_u64(&packed, u.size);
	buf_put_u64(&packed, u.size_max);
	buf_put_u64(&packed, u.count);
	buf_put_u64(&packed, u.count_max);
	msg_text(&c->chan, DF_NAME, domain);
	msg_bytes(&c->chan, DF_RECORDS, packed.data, packed.len);
	buf_clear(&packed);
}

static void
op_quota(struct request *r)
{
	struct account *a = r->account;
	uint64_t size, count;

	if (quota_check(a, 0, 0) == QUOTA_LATER) {
		request_fail(r, D_LATER, "the tables cannot be read");
		return;
	}
	account_usage(a, &size, &count);
	if (!client_begin(r->c, DM_QUOTA_IS, r->m->id))
		return;
	msg_u64(&r->c->chan, DF_SIZE, size);
	msg_u64(&r->c->chan, DF_SIZE_MAX, a->quota.quota_size);
	msg_u64(&r->c->chan, DF_COUNT, count);
	msg_u64(&r->c->chan, DF_COUNT_MAX, a->quota.quota_count);
	put_domain(r->c, a);
	client_end(r->c, r->account->shard);
}

const struct op op_read_rows[] = {
	{ DM_LIST, op_list, 0 },
	{ DM_SUBSCRIBED, op_subscribed, 0 },
	{ DM_STATUS, op_status, OP_MAILBOX },
	{ DM_SELECT, op_select, OP_MAILBOX },
	{ DM_UNSELECT, op_unselect, 0 },
	{ DM_KEYWORDS, op_keywords, OP_MAILBOX },
	{ DM_RECORDS, op_records, OP_MAILBOX },
	{ DM_VANISHED, op_vanished, OP_MAILBOX },
	{ DM_OPEN, op_open, OP_MAILBOX },
	{ DM_CACHE_GET, op_cache_get, OP_MAILBOX },
	{ DM_CACHE_PUT, op_cache_put, OP_MAILBOX | OP_CHANGES },
	{ DM_POP_LOCK, op_pop_lock, 0 },
	{ DM_QUOTA, op_quota, 0 },
	{ 0 }
};
