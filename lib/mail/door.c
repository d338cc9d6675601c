/*
 * A call is one sendmsg and, as a rule, one recvmsg: the descriptor is
 * blocking with SO_RCVTIMEO, so that no poll stands before the read. What
 * passes the bound of a frame goes in pieces that the caller does not see.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/door_proto.h"

enum {
	DOOR_TIMEOUT = 120,	/* seconds for one answer (a rebuild may run) */
	EVENTS_MAX = DOOR_MAILBOXES_MAX,
	DELIVER_FLUSH = 128 * 1024,	/* octets of requests in one write */
};

void
door_init(struct door *d, enum peer kind, int fd)
{
	memset(d, 0, sizeof(*d));
	d->kind = kind;
	chan_init(&d->chan, -1);
	door_set(d, fd);
}

void
door_set(struct door *d, int fd)
{
	struct timeval tv = { .tv_sec = DOOR_TIMEOUT };

	chan_clear(&d->chan);
	chan_init(&d->chan, fd);
	d->n_events = 0;
	d->list_changed = 0;
	if (fd == -1)
		return;
	if (fd_nonblock(fd, 0) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == -1)
		log_warn("door: %s", strerror(errno));
}

void
door_clear(struct door *d)
{
	chan_clear(&d->chan);
	free(d->events);
	d->events = NULL;
	d->n_events = d->cap_events = 0;
}

enum door_error
door_error(const struct door *d)
{
	return d->error;
}

const char *
door_words(const struct door *d)
{
	return d->words;
}

static int
door_fail(struct door *d, enum door_error e, const char *words)
{
	d->error = e;
	str_copy(d->words, sizeof(d->words), words);
	return -1;
}

static int
door_lost(struct door *d, const char *words)
{
	chan_clear(&d->chan);
	return door_fail(d, D_LOST, words);
}

static void
door_keep_event(struct door *d, const struct msg *m)
{
	struct cursor c;
	const char *p;
	uint32_t id;
	size_t len, i;

	if (msg_get_u32(m, DF_ON))
		d->list_changed = 1;
	p = msg_get(m, DF_UIDS, &len);
	cursor_init(&c, p, len);
	while (cursor_left(&c) >= 4) {
		id = cursor_u32(&c);
		for (i = 0; i < d->n_events && d->events[i] != id; i++)
			;
		if (i < d->n_events || i == EVENTS_MAX)
			continue;
		if (d->n_events == d->cap_events) {
			d->cap_events = d->cap_events * 2 + 8;
			d->events = mem_realloc(d->events, d->cap_events,
			    sizeof(*d->events));
		}
		d->events[d->n_events++] = id;
	}
}

static void
door_begin(struct door *d, unsigned type)
{
	if (++d->next_id == 0)
		d->next_id = 1;
	msg_begin(&d->chan, &proto_door, type, d->next_id);
}

/* Takes the next message that was read whole: 1, 0 none, -1 lost. */
static int
door_next(struct door *d, struct msg *m)
{
	struct buf why = BUF_INIT(200);
	int r = msg_next(m, &proto_door, PEER_STORE, &d->chan, &why);

	if (r == -1)
		door_lost(d, buf_str(&why));
	buf_clear(&why);
	return r;
}

/*
 * Sends the request that was begun and waits for its answer, which must be of
 * type want. m is the caller's to msg_done after 0.
 */
static int
door_call(struct door *d, unsigned want, struct msg *m)
{
	size_t len;
	const char *p;
	int r;

	if (msg_end(&d->chan) == -1)
		return door_fail(d, D_REFUSED, "a bound was passed");
	if (d->chan.fd == -1)
		return door_lost(d, "no store");
	if (chan_flush(&d->chan) != 1)
		return door_lost(d, "the store does not listen");
	for (;;) {
		if ((r = door_next(d, m)) == -1)
			return -1;
		if (r == 0) {
			if (chan_read(&d->chan) != 1)
				return door_lost(d, "the store went away");
			continue;
		}
		if (m->type == DM_EVENT)
			door_keep_event(d, m);
		if (m->id == d->next_id)
			break;
		msg_done(m);
	}
	if (m->type == want)
		return 0;
	p = msg_get(m, DF_WORDS, &len);
	if (m->type == DM_FAILED) {
		r = (int)msg_get_u32(m, DF_ERROR);
		door_fail(d, r > D_LOST && r <= D_READONLY ?
		    (enum door_error)r : D_LATER, "");
		if (len >= sizeof(d->words))
			len = sizeof(d->words) - 1;
		if (len > 0)
			memcpy(d->words, p, len);
		d->words[len] = '\0';
	} else
		door_lost(d, "the store gave the wrong answer");
	msg_done(m);
	return -1;
}

/* A call whose answer tells nothing. */
static int
door_do(struct door *d)
{
	struct msg m;

	if (door_call(d, DM_DONE, &m) == -1)
		return -1;
	msg_done(&m);
	return 0;
}

static void
put_uids(struct door *d, uint8_t tag, const uint32_t *uids, size_t n)
{
	struct buf b = BUF_INIT(0);
	size_t i;

	for (i = 0; i < n; i++)
		buf_put_u32(&b, uids[i]);
	msg_bytes(&d->chan, tag, buf_str(&b), b.len);
	buf_clear(&b);
}

static void
put_names(struct door *d, char **names)
{
	struct buf b = BUF_INIT(0);

	if (names == NULL || *names == NULL)
		return;
	for (; *names != NULL; names++)
		buf_put_lv(&b, *names, strlen(*names));
	msg_bytes(&d->chan, DF_NAMES, buf_str(&b), b.len);
	buf_clear(&b);
}

/* Appends the packed u32 of a field to an array. */
static void
get_uids(const struct msg *m, uint8_t tag, uint32_t **list, size_t *n)
{
	struct cursor c;
	const char *p;
	size_t len;

	p = msg_get(m, tag, &len);
	cursor_init(&c, p, len);
	*list = mem_realloc(*list, *n + len / 4 + 1, sizeof(**list));
	while (cursor_left(&c) >= 4)
		(*list)[(*n)++] = cursor_u32(&c);
}

static void
get_records(const struct msg *m, struct door_record **rec, size_t *n)
{
	const char *p;
	size_t len, i;

	p = msg_get(m, DF_RECORDS, &len);
	len /= DOOR_RECORD_SIZE;
	*rec = mem_realloc(*rec, *n + len + 1, sizeof(**rec));
	for (i = 0; i < len; i++)
		door_unpack_record(p + i * DOOR_RECORD_SIZE, &(*rec)[(*n)++]);
}

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
	r = get_mailbox(d, &m, m_r);
	if (recent_uid_r != NULL)
		*recent_uid_r = msg_get_u32(&m, DF_UID);
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

/*
 * The first piece tells the state (modseq, gone); a later one can only show
 * changes that the next call, since that state, tells once more.
 */
int
door_records(struct door *d, uint32_t id, uint64_t since,
    struct door_record **rec_r, size_t *n_r, uint32_t **gone_r,
    size_t *n_gone_r, uint64_t *modseq_r, int *complete_r)
{
	struct door_record *rec = NULL;
	uint32_t *gone = NULL, more, from = 1;
	size_t n = 0, n_gone = 0, before;
	struct msg m;

	do {
		before = n;
		door_begin(d, DM_RECORDS);
		msg_u32(&d->chan, DF_MAILBOX, id);
		msg_u64(&d->chan, DF_MODSEQ, since);
		msg_u32(&d->chan, DF_UID, from);
		if (door_call(d, DM_RECORDS_ARE, &m) == -1) {
			free(rec);
			free(gone);
			return -1;
		}
		get_records(&m, &rec, &n);
		if (from == 1) {
			get_uids(&m, DF_UIDS, &gone, &n_gone);
			*modseq_r = msg_get_u64(&m, DF_MODSEQ);
			*complete_r = msg_get_u32(&m, DF_ON) != 0;
		}
		more = msg_get_u32(&m, DF_MORE);
		msg_done(&m);
		if (n > 0)
			from = rec[n - 1].uid + 1;
	} while (more && n > before);
	*rec_r = rec;
	*n_r = n;
	*gone_r = gone;
	*n_gone_r = n_gone;
	return 0;
}

int
door_store(struct door *d, uint32_t id, const uint32_t *uids, size_t n,
    enum door_op op, uint32_t flags, char **keywords,
    uint64_t unchanged_since, struct door_record **rec_r, size_t *n_rec_r,
    uint32_t **failed_r, size_t *n_failed_r)
{
	size_t i, part, n_rec = 0, n_failed = 0;
	struct door_record *rec = NULL;
	uint32_t *failed = NULL;
	struct msg m;

	for (i = 0; i < n; i += part) {
		part = n - i > DOOR_RECORDS_MAX ? DOOR_RECORDS_MAX : n - i;
		door_begin(d, DM_STORE);
		msg_u32(&d->chan, DF_MAILBOX, id);
		put_uids(d, DF_UIDS, uids + i, part);
		msg_u32(&d->chan, DF_OP, op);
		msg_u32(&d->chan, DF_FLAGS, flags);
		put_names(d, keywords);
		msg_u64(&d->chan, DF_MODSEQ, unchanged_since);
		if (door_call(d, DM_RECORDS_ARE, &m) == -1) {
			free(rec);
			free(failed);
			return -1;
		}
		get_records(&m, &rec, &n_rec);
		get_uids(&m, DF_UIDS, &failed, &n_failed);
		msg_done(&m);
	}
	*rec_r = rec;
	*n_rec_r = n_rec;
	*failed_r = failed;
	*n_failed_r = n_failed;
	return 0;
}

int
door_expunge(struct door *d, uint32_t id, const uint32_t *uids, size_t n,
    int any, uint32_t **gone_r, size_t *n_gone_r, uint64_t *modseq_r)
{
	size_t i, part, n_gone = 0;
	uint32_t *gone = NULL;
	struct msg m;

	*modseq_r = 0;
	for (i = 0; i < n; i += part) {
		part = n - i > DOOR_RECORDS_MAX ? DOOR_RECORDS_MAX : n - i;
		door_begin(d, DM_EXPUNGE);
		msg_u32(&d->chan, DF_MAILBOX, id);
		put_uids(d, DF_UIDS, uids + i, part);
		msg_u32(&d->chan, DF_ON, any != 0);
		if (door_call(d, DM_GONE, &m) == -1) {
			free(gone);
			return -1;
		}
		get_uids(&m, DF_UIDS, &gone, &n_gone);
		*modseq_r = msg_get_u64(&m, DF_MODSEQ);
		msg_done(&m);
	}
	*gone_r = gone;
	*n_gone_r = n_gone;
	return 0;
}

int
door_copy(struct door *d, uint32_t from, uint32_t to, const uint32_t *uids,
    size_t n, int move, uint32_t **from_r, uint32_t **to_r, size_t *n_r,
    uint32_t *uidvalidity_r)
{
	struct msg m;
	size_t n_to = 0;

	*from_r = *to_r = NULL;
	*n_r = 0;
	door_begin(d, DM_COPY);
	msg_u32(&d->chan, DF_MAILBOX, from);
	msg_u32(&d->chan, DF_TO, to);
	put_uids(d, DF_UIDS, uids, n);
	msg_u32(&d->chan, DF_ON, move != 0);
	if (door_call(d, DM_COPIED, &m) == -1)
		return -1;
	get_uids(&m, DF_UIDS, from_r, n_r);
	get_uids(&m, DF_TO_UIDS, to_r, &n_to);
	*uidvalidity_r = msg_get_u32(&m, DF_UIDVALIDITY);
	msg_done(&m);
	if (n_to == *n_r)
		return 0;
	free(*from_r);
	free(*to_r);
	return door_lost(d, "the store gave a broken answer");
}

int
door_open(struct door *d, uint32_t id, const uint32_t *uids, size_t n,
    int *fds_r)
{
	const char *found;
	size_t i, len;
	unsigned k = 0;
	struct msg m;

	door_begin(d, DM_OPEN);
	msg_u32(&d->chan, DF_MAILBOX, id);
	put_uids(d, DF_UIDS, uids, n);
	if (door_call(d, DM_FILES, &m) == -1)
		return -1;
	found = msg_get(&m, DF_FOUND, &len);
	for (i = 0; i < n; i++)
		fds_r[i] = i < len && found[i] ? msg_get_fd(&m, k++) : -1;
	msg_done(&m);
	return 0;
}

int
door_cache_get(struct door *d, uint32_t id, const uint32_t *uids, size_t n,
    struct buf *packed_r, size_t *n_done_r)
{
	const char *p;
	struct msg m;
	size_t len;
	int r = 0;

	*n_done_r = 0;
	buf_reset(packed_r);
	if (n > DOOR_RECORDS_MAX)
		n = DOOR_RECORDS_MAX;
	door_begin(d, DM_CACHE_GET);
	msg_u32(&d->chan, DF_MAILBOX, id);
	put_uids(d, DF_UIDS, uids, n);
	if (door_call(d, DM_CACHE, &m) == -1)
		return -1;
	p = msg_get(&m, DF_CACHE, &len);
	if (len > 0 && buf_append(packed_r, p, len) == -1)
		r = door_fail(d, D_REFUSED, "the cache does not fit");
	else if (msg_get_u64(&m, DF_COUNT) <= n)
		*n_done_r = (size_t)msg_get_u64(&m, DF_COUNT);
	msg_done(&m);
	return r;
}

int
door_cache_put(struct door *d, uint32_t id, uint32_t uid, const void *p,
    size_t len)
{
	msg_begin(&d->chan, &proto_door, DM_CACHE_PUT, 0);
	msg_u32(&d->chan, DF_MAILBOX, id);
	msg_u32(&d->chan, DF_UID, uid);
	msg_bytes(&d->chan, DF_CACHE, p, len);
	if (msg_end(&d->chan) == -1)
		return door_fail(d, D_REFUSED, "the record is too long");
	if (d->chan.fd == -1 || chan_flush(&d->chan) != 1)
		return door_lost(d, "no store");
	return 0;
}

int
door_file(struct door *d, int *fd_r, char name_r[32])
{
	const char *p;
	struct msg m;
	size_t len;

	door_begin(d, DM_FILE);
	if (door_call(d, DM_FILE_IS, &m) == -1)
		return -1;
	p = msg_get(&m, DF_NAME, &len);
	if (len > 0)
		memcpy(name_r, p, len);
	name_r[len] = '\0';
	*fd_r = msg_get_fd(&m, 0);
	msg_done(&m);
	return 0;
}

int
door_append(struct door *d, uint32_t id, const char *file, uint64_t size,
    uint32_t crc, uint32_t header_len, uint32_t flags, char **keywords,
    int64_t date, const void *cache, size_t cache_len, uint32_t *uid_r,
    uint32_t *uidvalidity_r)
{
	struct msg m;

	door_begin(d, DM_APPEND);
	msg_u32(&d->chan, DF_MAILBOX, id);
	msg_text(&d->chan, DF_NAME, file);
	msg_u64(&d->chan, DF_SIZE, size);
	msg_u32(&d->chan, DF_CRC, crc);
	msg_u32(&d->chan, DF_HEADER, header_len);
	msg_u32(&d->chan, DF_FLAGS, flags);
	put_names(d, keywords);
	msg_u64(&d->chan, DF_DATE, (uint64_t)date);
	if (cache_len > 0)
		msg_bytes(&d->chan, DF_CACHE, cache, cache_len);
	if (door_call(d, DM_APPENDED, &m) == -1)
		return -1;
	*uid_r = msg_get_u32(&m, DF_UID);
	*uidvalidity_r = msg_get_u32(&m, DF_UIDVALIDITY);
	msg_done(&m);
	return 0;
}

int
door_pop_lock(struct door *d)
{
	door_begin(d, DM_POP_LOCK);
	return door_do(d);
}

int
door_quota(struct door *d, uint64_t *size_r, uint64_t *size_max_r,
    uint64_t *count_r, uint64_t *count_max_r)
{
	struct msg m;

	door_begin(d, DM_QUOTA);
	if (door_call(d, DM_QUOTA_IS, &m) == -1)
		return -1;
	*size_r = msg_get_u64(&m, DF_SIZE);
	*size_max_r = msg_get_u64(&m, DF_SIZE_MAX);
	*count_r = msg_get_u64(&m, DF_COUNT);
	*count_max_r = msg_get_u64(&m, DF_COUNT_MAX);
	msg_done(&m);
	return 0;
}

/* Reads what is there; 0, or -1 where the store is lost. */
static int
door_pull(struct door *d)
{
	struct pollfd p = { .fd = d->chan.fd, .events = POLLIN };

	if (d->chan.fd == -1)
		return door_lost(d, "no store");
	if (poll(&p, 1, 0) < 1)
		return 0;
	if (chan_read(&d->chan) != 1)
		return door_lost(d, "the store went away");
	return 0;
}

int
door_events(struct door *d, const uint32_t **list_r, size_t *n_r,
    int *list_changed_r)
{
	struct msg m;
	int r;

	if (door_pull(d) == -1)
		return -1;
	while ((r = door_next(d, &m)) == 1) {
		if (m.type == DM_EVENT)
			door_keep_event(d, &m);
		msg_done(&m);
	}
	if (r == -1)
		return -1;
	*list_r = d->events;
	*n_r = d->n_events;
	*list_changed_r = d->list_changed;
	r = d->n_events > 0 || d->list_changed;
	d->n_events = 0;
	d->list_changed = 0;
	return r;
}

int
door_deliver(struct door *d, uint32_t id, const char *queue_id,
    const char *owner, int fd, uint64_t size, uint32_t header_len,
    int64_t date, const void *cache, size_t cache_len)
{
	if (door_put_deliver(&d->chan, id, queue_id, owner, fd, size,
	    header_len, date, cache, cache_len) == -1)
		return door_fail(d, D_REFUSED, "a bound was passed");
	return d->chan.out.len < DELIVER_FLUSH ? 0 : door_flush(d);
}

int
door_flush(struct door *d)
{
	if (d->chan.fd == -1 || chan_flush(&d->chan) != 1)
		return door_lost(d, "no store");
	return 0;
}

int
door_delivered(struct door *d, uint32_t *id_r, enum result *result_r,
    char words_r[RESULT_WORDS_MAX + 1])
{
	struct msg m;
	int r;

	if ((r = door_next(d, &m)) == 0) {
		if (door_flush(d) == -1 || door_pull(d) == -1)
			return -1;
		r = door_next(d, &m);
	}
	if (r != 1)
		return r;
	r = door_get_delivered(&m, result_r, words_r);
	*id_r = m.id;
	msg_done(&m);
	return r == 0 ? 1 : door_lost(d, "the store gave the wrong answer");
}
