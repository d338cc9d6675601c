/* Calls about the messages of a mailbox. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/door_impl.h"
#include "lib/mail/uids.h"

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

/* Appends the records of an answer to an array. 0, or -1: they are broken. */
static int
get_records(struct door *d, const struct msg *m, struct door_record **rec,
    size_t *n)
{
	struct door_packed list;
	const char *p;
	size_t len, i;

	p = msg_get(m, DF_RECORDS, &len);
	if (door_unpack_records(&list, p, len) == -1)
		return door_lost(d, "the store gave a broken list");
	p = msg_get(m, DF_NAMES, &len);
	buf_append(&d->wide, p, len);
	*rec = mem_realloc(*rec, *n + list.n + 1, sizeof(**rec));
	for (i = 0; i < list.n; i++)
		door_unpack_record(&list, i, &(*rec)[(*n)++]);
	return 0;
}

/* A call that is answered by records. */
static int
call_records(struct door *d, struct msg *m, struct door_record **rec,
    size_t *n)
{
	if (door_call(d, DM_RECORDS_ARE, m) == -1)
		return -1;
	if (get_records(d, m, rec, n) == 0)
		return 0;
	msg_done(m);
	return -1;
}

/*
 * The first piece tells the state (modseq, gone); a later one can only show
 * changes that the next call, since that state, tells once more.
 */
int
door_changes(struct door *d, uint32_t id, uint64_t since, int take,
    struct door_record **rec_r, size_t *n_r, uint32_t **gone_r,
    size_t *n_gone_r, uint64_t *modseq_r, int *complete_r,
    uint32_t *recent_uid_r)
{
	struct door_record *rec = NULL;
	uint32_t *gone = NULL, more, from = 1;
	size_t n = 0, n_gone = 0, before;
	struct msg m;

	buf_reset(&d->wide);
	do {
		before = n;
		door_begin(d, DM_RECORDS);
		msg_u32(&d->chan, DF_MAILBOX, id);
		msg_u64(&d->chan, DF_MODSEQ, since);
		msg_u32(&d->chan, DF_UID, from);
		if (take && from == 1)
			msg_u32(&d->chan, DF_ON, 1);
		if (call_records(d, &m, &rec, &n) == -1) {
			free(rec);
			free(gone);
			return -1;
		}
		if (from == 1) {
			door_get_uids(&m, DF_UIDS, &gone, &n_gone);
			*modseq_r = msg_get_u64(&m, DF_MODSEQ);
			*complete_r = msg_get_u32(&m, DF_ON) != 0;
			*recent_uid_r = msg_get_u32(&m, DF_UID);
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
door_records_from(struct door *d, uint32_t id, uint32_t from,
    struct door_record **rec, size_t *n, uint64_t *modseq_r, int *more_r)
{
	size_t before = *n;
	struct msg m;

	buf_reset(&d->wide);
	door_begin(d, DM_RECORDS);
	msg_u32(&d->chan, DF_MAILBOX, id);
	msg_u64(&d->chan, DF_MODSEQ, 0);
	msg_u32(&d->chan, DF_UID, from);
	if (call_records(d, &m, rec, n) == -1)
		return -1;
	*modseq_r = msg_get_u64(&m, DF_MODSEQ);
	*more_r = msg_get_u32(&m, DF_MORE) != 0 && *n > before;
	msg_done(&m);
	return 0;
}

int
door_records(struct door *d, uint32_t id, uint64_t since,
    struct door_record **rec_r, size_t *n_r, uint32_t **gone_r,
    size_t *n_gone_r, uint64_t *modseq_r, int *complete_r)
{
	uint32_t recent;

	return door_changes(d, id, since, 0, rec_r, n_r, gone_r, n_gone_r,
	    modseq_r, complete_r, &recent);
}

int
door_vanished(struct door *d, uint32_t id, uint64_t since, uint32_t **gone_r,
    size_t *n_gone_r, int *complete_r)
{
	struct msg m;

	*gone_r = NULL;
	*n_gone_r = 0;
	door_begin(d, DM_VANISHED);
	msg_u32(&d->chan, DF_MAILBOX, id);
	msg_u64(&d->chan, DF_MODSEQ, since);
	if (door_call(d, DM_RECORDS_ARE, &m) == -1)
		return -1;
	door_get_uids(&m, DF_UIDS, gone_r, n_gone_r);
	*n_gone_r = uids_sort(*gone_r, *n_gone_r);
	*complete_r = msg_get_u32(&m, DF_ON) != 0;
	msg_done(&m);
	return 0;
}

static size_t
part_of(size_t n, size_t max)
{
	return n > max ? max : n;
}

int
door_store(struct door *d, uint32_t id, const uint32_t *uids, size_t n,
    enum door_op op, uint32_t flags, char **keywords,
    uint64_t unchanged_since, struct door_record **rec_r, size_t *n_rec_r,
    uint32_t **failed_r, size_t *n_failed_r)
{
	struct msg m;
	size_t i, part;
	int r = 0;

	*rec_r = NULL;
	*failed_r = NULL;
	*n_rec_r = *n_failed_r = 0;
	buf_reset(&d->wide);
	d->no_room = 0;
	for (i = 0; i < n && r == 0; i += part) {
		part = part_of(n - i, DOOR_CHANGE_MAX);
		door_begin(d, DM_STORE);
		msg_u32(&d->chan, DF_MAILBOX, id);
		put_uids(d, DF_UIDS, uids + i, part);
		msg_u32(&d->chan, DF_OP, op);
		msg_u32(&d->chan, DF_FLAGS, flags);
		put_names(d, keywords);
		msg_u64(&d->chan, DF_MODSEQ, unchanged_since);
		if ((r = call_records(d, &m, rec_r, n_rec_r)) == -1)
			break;
		door_get_uids(&m, DF_UIDS, failed_r, n_failed_r);
		d->no_room |= msg_get_u32(&m, DF_ON) == 0;
		msg_done(&m);
	}
	return r;
}

int
door_expunge(struct door *d, uint32_t id, const uint32_t *uids, size_t n,
    int any, uint32_t **gone_r, size_t *n_gone_r, uint64_t *modseq_r)
{
	struct msg m;
	size_t i, part;

	*gone_r = NULL;
	*n_gone_r = 0;
	*modseq_r = 0;
	for (i = 0; i < n; i += part) {
		part = part_of(n - i, DOOR_CHANGE_MAX);
		door_begin(d, DM_EXPUNGE);
		msg_u32(&d->chan, DF_MAILBOX, id);
		put_uids(d, DF_UIDS, uids + i, part);
		msg_u32(&d->chan, DF_ON, any != 0);
		if (door_call(d, DM_GONE, &m) == -1)
			return -1;
		door_get_uids(&m, DF_UIDS, gone_r, n_gone_r);
		*modseq_r = msg_get_u64(&m, DF_MODSEQ);
		msg_done(&m);
	}
	return 0;
}

/* What one request may take of a copy. */
struct copying {
	uint32_t from, to;
	int	 how;
	uint32_t *from_uid, *to_uid;	/* what was copied */
	size_t	 n;
	uint32_t uidvalidity;
};

static void
copy_request(struct door *d, uint32_t from, uint32_t to, const uint32_t *uids,
    size_t n, int how)
{
	door_begin(d, DM_COPY);
	msg_u32(&d->chan, DF_MAILBOX, from);
	msg_u32(&d->chan, DF_TO, to);
	put_uids(d, DF_UIDS, uids, n);
	msg_u32(&d->chan, DF_ON, (uint32_t)how);
	if (d->to_owner != NULL)
		msg_text(&d->chan, DF_TO_NAME, d->to_owner);
}

static int
copy_part(struct door *d, struct copying *c, const uint32_t *uids, size_t n)
{
	struct msg m;
	size_t n_to = c->n;

	copy_request(d, c->from, c->to, uids, n, c->how);
	if (door_call(d, DM_COPIED, &m) == -1)
		return -1;
	door_get_uids(&m, DF_UIDS, &c->from_uid, &c->n);
	door_get_uids(&m, DF_TO_UIDS, &c->to_uid, &n_to);
	c->uidvalidity = msg_get_u32(&m, DF_UIDVALIDITY);
	msg_done(&m);
	if (n_to == c->n)
		return 0;
	c->n = 0;
	return door_lost(d, "the store gave a broken answer");
}

/* The parts of a copy of which a later one failed go; what failed is said. */
static void
copy_undo(struct door *d, struct copying *c)
{
	enum door_error error = d->error;
	const char *owner = d->owner;
	uint32_t *gone;
	uint64_t modseq;
	size_t n;
	char words[sizeof(d->words)];

	memcpy(words, d->words, sizeof(words));
	d->owner = d->to_owner;
	if (door_expunge(d, c->to, c->to_uid, c->n, 1, &gone, &n,
	    &modseq) == 0)
		c->n = 0;
	free(gone);
	d->owner = owner;
	d->error = error;
	memcpy(d->words, words, sizeof(words));
}

int
door_copy(struct door *d, uint32_t from, uint32_t to, const uint32_t *uids,
    size_t n, int how, uint32_t **from_r, uint32_t **to_r, size_t *n_r,
    uint32_t *uidvalidity_r)
{
	size_t i, part, max = how & DOOR_MOVE ? DOOR_CHANGE_MAX :
	    DOOR_COPY_UIDS_MAX;
	struct copying c = { .from = from, .to = to, .how = how };
	int r = 0;

	for (i = 0; i < n && r == 0; i += part) {
		part = part_of(n - i, max);
		r = copy_part(d, &c, uids + i, part);
	}
	if (r == -1 && c.n > 0 && !(how & DOOR_MOVE))
		copy_undo(d, &c);
	*from_r = c.from_uid;
	*to_r = c.to_uid;
	*n_r = c.n;
	*uidvalidity_r = c.uidvalidity;
	return r;
}

int
door_later_may(struct door *d)
{
	if (d->later.id != 0)
		return door_fail(d, D_REFUSED, "there is another call");
	return 0;
}

int
door_copy_begin(struct door *d, uint32_t from, uint32_t to,
    const uint32_t *uids, size_t n, int how, uint32_t *id_r)
{
	if (door_later_may(d) == -1)
		return -1;
	copy_request(d, from, to, uids, n, how);
	if (door_send(d) == -1)
		return -1;
	*id_r = d->later.id = d->next_id;
	d->later.answered = 0;
	return 0;
}

int
door_busy(const struct door *d)
{
	return d->later.id != 0;
}

int
door_answered(const struct door *d)
{
	return d->later.id != 0 && d->later.answered;
}

/* Ends the call id: 0 with what was answered, or -1. */
static int
later_end(struct door *d, uint32_t id, struct door_later *was)
{
	*was = d->later;
	if (id == 0 || was->id != id) {
		memset(was, 0, sizeof(*was));
		return door_fail(d, D_LATER, "there is no such call");
	}
	memset(&d->later, 0, sizeof(d->later));
	if (was->answered && was->error == D_OK)
		return 0;
	free(was->from);
	free(was->to);
	if (was->answered)
		return door_fail(d, was->error, was->words);
	return door_fail(d, D_LATER, "the call was not waited for");
}

int
door_copy_end(struct door *d, uint32_t id, uint32_t **from_r, uint32_t **to_r,
    size_t *n_r, uint32_t *uidvalidity_r)
{
	struct door_later was;

	*from_r = *to_r = NULL;
	*n_r = 0;
	if (later_end(d, id, &was) == -1)
		return -1;
	*from_r = was.from;
	*to_r = was.to;
	*n_r = was.n;
	*uidvalidity_r = was.uidvalidity;
	return 0;
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
door_ids(struct door *d, uint32_t id, const uint32_t *uids, size_t n,
    struct buf *packed_r)
{
	const char *p;
	struct msg m;
	size_t len;

	buf_reset(packed_r);
	door_begin(d, DM_IDS);
	msg_u32(&d->chan, DF_MAILBOX, id);
	put_uids(d, DF_UIDS, uids, n);
	if (door_call(d, DM_IDS_ARE, &m) == -1)
		return -1;
	p = msg_get(&m, DF_RECORDS, &len);
	if (len > 0)
		buf_append(packed_r, p, len);
	msg_done(&m);
	return 0;
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

static void
get_name(const struct msg *m, char name_r[DOOR_FILE_NAME + 1])
{
	size_t len;
	const char *p = msg_get(m, DF_NAME, &len);

	if (len > 0)
		memcpy(name_r, p, len);
	name_r[len] = '\0';
}

int
door_file(struct door *d, int *fd_r, char name_r[DOOR_FILE_NAME + 1])
{
	struct msg m;

	if (d->spare_name[0] != '\0' && d->chan.fd != -1) {
		*fd_r = d->spare;
		memcpy(name_r, d->spare_name, sizeof(d->spare_name));
		d->spare_name[0] = '\0';
		return 0;
	}
	door_begin(d, DM_FILE);
	if (door_call(d, DM_FILE_IS, &m) == -1)
		return -1;
	get_name(&m, name_r);
	*fd_r = msg_get_fd(&m, 0);
	msg_done(&m);
	return 0;
}

int
door_file_back(struct door *d, const char *name)
{
	if (d->chan.fd == -1)
		return door_lost(d, "no store");
	msg_begin(&d->chan, &proto_door, DM_FILE_BACK, 0);
	msg_text(&d->chan, DF_NAME, name);
	if (msg_end(&d->chan) == -1)
		return door_fail(d, D_REFUSED, "the name is too long");
	if (chan_flush(&d->chan) != 1)
		return door_lost(d, "no store");
	return 0;
}

int
door_rename_begin(struct door *d, const char *from, const char *to,
    uint32_t *id_r)
{
	if (door_later_may(d) == -1)
		return -1;
	door_begin(d, DM_RENAME);
	msg_text(&d->chan, DF_NAME, from);
	msg_text(&d->chan, DF_TO_NAME, to);
	if (door_send(d) == -1)
		return -1;
	*id_r = d->later.id = d->next_id;
	d->later.answered = 0;
	return 0;
}

int
door_rename_end(struct door *d, uint32_t id)
{
	struct door_later was;

	return later_end(d, id, &was);
}

void
door_put_append(struct door *d, unsigned type, uint32_t id,
    const struct door_appended *a)
{
	door_begin(d, type);
	msg_u32(&d->chan, DF_MAILBOX, id);
	msg_text(&d->chan, DF_NAME, a->file);
	msg_u64(&d->chan, DF_SIZE, a->size);
	msg_u32(&d->chan, DF_CRC, a->crc);
	msg_u32(&d->chan, DF_HEADER, a->header_len);
	msg_u32(&d->chan, DF_FLAGS, a->flags);
	put_names(d, a->keywords);
	msg_u64(&d->chan, DF_DATE, (uint64_t)a->date);
}

int
door_append(struct door *d, uint32_t id, const char *file, uint64_t size,
    uint32_t crc, uint32_t header_len, uint32_t flags, char **keywords,
    int64_t date, const void *cache, size_t cache_len, uint32_t *uid_r,
    uint32_t *uidvalidity_r)
{
	struct msg m;

	door_put_append(d, DM_APPEND, id, &(struct door_appended){ file, size,
	    crc, header_len, flags, keywords, date });
	if (cache_len > 0)
		msg_bytes(&d->chan, DF_CACHE, cache, cache_len);
	if (d->appends && d->spare_name[0] == '\0')
		msg_u32(&d->chan, DF_ON, 1);
	if (door_call(d, DM_APPENDED, &m) == -1)
		return -1;
	d->appends = 1;
	*uid_r = msg_get_u32(&m, DF_UID);
	*uidvalidity_r = msg_get_u32(&m, DF_UIDVALIDITY);
	if (msg_has(&m, DF_NAME) && d->spare_name[0] == '\0' &&
	    (d->spare = msg_get_fd(&m, 0)) != -1)
		get_name(&m, d->spare_name);
	msg_done(&m);
	return 0;
}

/* What is gathered goes out in frames of about that many octets. */
int
door_put_part(struct door *d, size_t i, size_t n)
{
	enum { FLUSH = 64 * 1024 };

	msg_u64(&d->chan, DF_COUNT, i + 1);
	msg_u32(&d->chan, DF_MORE, i + 1 < n);
	if (i + 1 == n || d->chan.out.len >= FLUSH)
		return door_send(d);
	return msg_end(&d->chan) == -1 ?
	    door_fail(d, D_REFUSED, "a bound was passed") : 0;
}

void
door_later_begun(struct door *d, uint32_t *id_r)
{
	*id_r = d->later.id = d->next_id;
	d->later.answered = 0;
}

int
door_append_begin(struct door *d, uint32_t id,
    const struct door_appended *list, size_t n, uint32_t *id_r)
{
	size_t i;

	if (door_later_may(d) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		door_put_append(d, DM_APPEND, id, &list[i]);
		if (door_put_part(d, i, n) == -1)
			return -1;
	}
	door_later_begun(d, id_r);
	return 0;
}

int
door_append_end(struct door *d, uint32_t id, uint32_t *uid_r,
    uint32_t *uidvalidity_r)
{
	struct door_later was;

	if (later_end(d, id, &was) == -1)
		return -1;
	*uid_r = was.uid;
	*uidvalidity_r = was.uidvalidity;
	return 0;
}
