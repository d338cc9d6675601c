#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_evidence.h"
#include "store/account_first_use.h"
#include "store/account_keywords.h"
#include "store/account_message.h"
#include "store/account_load.h"
#include "store/account_mailbox.h"
#include "store/account_quota.h"
#include "store/account_rebuild.h"
#include "store/account_scan.h"
#include "store/body.h"
#include "store/ctl_check.h"
#include "store/shard_chores.h"

enum {
	TRIES = 1200,		/* while a user is busy, TRY_US apart */
	TRY_US = 50000,
	FINDINGS_MAX = 100,	/* of one mailbox; then only their number */
};

/* A copy of what the index says, taken while no task is under way. */
struct copy_mailbox {
	uint32_t id;
	struct index_row row;
	struct record *rec;
	size_t	 n, cap;
	char	**keyword;
	unsigned n_keywords;
};

struct ctl_taking {
	struct call call;
	const char *name;
	void	(*idle)(struct account *);
	int	 unread;	/* the index does not answer */
	int	 give_up;	/* what only the index knows */
	enum { TAKE_OK, TAKE_BUSY, TAKE_NONE, TAKE_BROKEN } result;
	struct account *a;
	struct copy_mailbox *mailbox;
	size_t	 n;
	uint64_t *note;		/* mailbox, uid: that file is to go */
	size_t	 n_notes;
	struct usage *usage;
};

struct checking {
	const struct ctl_taking *r;
	struct found_mailbox *f;
	struct copy_mailbox *m;
	const char *name;
	void	(*found)(void *arg, const char *mailbox, const char *words);
	void	*arg;
	unsigned n;
};

/* In the shard: takes the account for us, or says that it is busy. */
static void
begin(struct call *c)
{
	struct ctl_taking *r = c->arg;

	r->a = account_get(c->item.shard, r->name);
	r->result = r->a == NULL ? TAKE_NONE : r->a->busy ? TAKE_BUSY :
	    r->a->state == ACCOUNT_READY || r->idle == rebuild_account ?
	    TAKE_OK : TAKE_BROKEN;
	if (r->result == TAKE_OK)
		account_begin(r->a, r->give_up && traces_list_missing(r->a) ?
		    first_use_again : r->idle, c);
	else
		helper_done(c);
}

/* In a helper: calls until the account is not busy with something else. */
static int
take(struct ctl_taking *r, void (*fn)(struct call *), struct buf *why)
{
	int i;

	r->call.fn = fn;
	r->call.arg = r;
	for (i = 0; i < TRIES; i++) {
		if (helper_call(shard_of(r->name, NULL), &r->call) == -1)
			r->result = TAKE_BROKEN;
		if (r->result != TAKE_BUSY)
			break;
		usleep(TRY_US);
	}
	if (r->result == TAKE_OK)
		return 0;
	buf_set(why, "%s", r->result == TAKE_BUSY ?
	    "busy for too long" : r->result == TAKE_NONE ?
	    "no such account name" : "the mailboxes cannot be read");
	return -1;
}

static int
copy_record(void *arg, const struct record *r)
{
	struct copy_mailbox *m = arg;

	if (m->n == m->cap) {
		m->cap = m->cap * 2 + 64;
		m->rec = mem_realloc(m->rec, m->cap, sizeof(*m->rec));
	}
	m->rec[m->n] = *r;
	message_keep(&m->rec[m->n++]);
	return 0;
}

static int
copy_note(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct ctl_taking *r = arg;

	r->note = mem_realloc(r->note, r->n_notes + 1, sizeof(*r->note));
	r->note[r->n_notes++] = index_tail_u64(key, klen);
	return 0;
}

/* 0; -1: the index does not answer. */
static int
copy_mailbox(struct mailbox *from, struct copy_mailbox *m)
{
	struct account *a = from->account;
	unsigned k;

	m->id = from->id;
	m->row = from->row;
	if (index_range(a->db, a->number, m->id, 1, UINT32_MAX, copy_record,
	    m) != ENGINE_DONE || mailbox_keywords(from) == -1)
		return -1;
	m->n_keywords = from->n_keywords;
	m->keyword = mem_zalloc(m->n_keywords + 1, sizeof(char *));
	for (k = 0; k < m->n_keywords; k++)
		m->keyword[k] = mem_strdup(from->keywords[k]);
	return 0;
}

/* In the shard, the account idle. */
static void
copy_account(struct account *a)
{
	struct call *c = a->idle_arg;
	struct ctl_taking *r = c->arg;
	struct engine_scan s;
	size_t i;

	index_scan_kind(&s, a->number, 'R');
	r->unread = account_commit(a) == -1 ||
	    engine_scan(a->db, &s, copy_note, r) != ENGINE_DONE;
	r->n = a->n_mailboxes;
	r->mailbox = mem_zalloc(r->n + 1, sizeof(*r->mailbox));
	for (i = 0; i < r->n && !r->unread; i++)
		r->unread = copy_mailbox(a->mailbox[i], &r->mailbox[i]) == -1;
	helper_done(c);
}

static void
copies_free(struct ctl_taking *r)
{
	size_t i, k;

	for (i = 0; i < r->n; i++) {
		for (k = 0; k < r->mailbox[i].n_keywords; k++)
			free(r->mailbox[i].keyword[k]);
		free(r->mailbox[i].keyword);
		messages_free(r->mailbox[i].rec, r->mailbox[i].n);
	}
	free(r->mailbox);
	free(r->note);
}

static void
give_back(struct call *c)
{
	struct ctl_taking *r = c->arg;

	account_end(r->a);
	helper_done(c);
}

static void finding(struct checking *k, const char *fmt, ...)
    ATTR_PRINTF(2, 3);

static void
finding(struct checking *k, const char *fmt, ...)
{
	struct buf words = BUF_INIT(500);
	va_list ap;

	if (k->n++ < FINDINGS_MAX) {
		va_start(ap, fmt);
		buf_vprintf(&words, fmt, ap);
		va_end(ap);
		k->found(k->arg, k->name, buf_str(&words));
	}
	buf_clear(&words);
}

/*
 * Expunged before it was deleted from the index: a crash left it so, and the
 * next start of the account ends it. Anything else that lacks its file is a
 * finding.
 */
static int
same_keywords(const struct record *a, const struct record *b)
{
	return a->d.keywords == b->d.keywords && a->wide_len == b->wide_len &&
	    (a->wide_len == 0 || memcmp(a->wide, b->wide, a->wide_len) == 0);
}

static void
check_record(struct checking *k, const struct record *r,
    const struct found_message *f, struct index_row *sum)
{
	const struct door_record *d = &r->d;

	mailbox_count(sum, d, 1);
	if (f == NULL) {
		finding(k, "message %u has no file", d->uid);
		return;
	}
	if (f->size != d->size)
		finding(k, "message %u has %" PRIu64 " octets, not %" PRIu64,
		    d->uid, f->size, d->size);
	if (d->modseq > k->m->row.flags_modseq)
		return;
	if (!f->has_line)
		finding(k, "message %u has no line in flags", d->uid);
	else if (((f->rec.d.flags ^ d->flags) & FLAG_ALL) != 0 ||
	    !same_keywords(&f->rec, r) || f->rec.d.date != d->date)
		finding(k, "message %u: flags says otherwise", d->uid);
}

static int
is_noted(const struct checking *k, uint32_t uid)
{
	uint64_t v = (uint64_t)k->m->id << 32 | uid;
	size_t i;

	for (i = 0; i < k->r->n_notes && k->r->note[i] != v; i++)
		;
	return i < k->r->n_notes;
}

/*
 * A file from UIDNEXT on is a delivery that was not answered; one that is to
 * be unlinked is noted in the index. Others without a record are findings.
 */
static void
check_files(struct checking *k)
{
	size_t i, at = 0;

	for (i = 0; i < k->f->n; i++) {
		while (at < k->m->n && k->m->rec[at].d.uid < k->f->msg[i].uid)
			at++;
		if (at < k->m->n && k->m->rec[at].d.uid == k->f->msg[i].uid)
			continue;
		if (k->f->msg[i].uid < k->m->row.uidnext &&
		    !is_noted(k, k->f->msg[i].uid))
			finding(k, "file %u is not in the index",
			    k->f->msg[i].uid);
	}
}

static void
check_counts(struct checking *k, const struct index_row *sum)
{
	const struct index_row *row = &k->m->row;

	if (row->messages != sum->messages || row->size != sum->size ||
	    row->unseen != sum->unseen || row->deleted != sum->deleted)
		finding(k, "the counters say %u messages, %u unseen, %" PRIu64
		    " octets; it has %u, %u, %" PRIu64, row->messages,
		    row->unseen, row->size, sum->messages, sum->unseen,
		    sum->size);
}

static void
check_mailbox(struct checking *k)
{
	struct index_row sum = { .recent_low = UINT32_MAX };
	const struct copy_mailbox *m = k->m;
	unsigned bit;
	size_t i;

	if (k->f->missing)
		finding(k, "the folder %u is missing", m->id);
	for (i = 0; i < m->n; i++)
		check_record(k, &m->rec[i],
		    found_message(k->f, m->rec[i].d.uid), &sum);
	if (m->n > 0 && m->rec[m->n - 1].d.uid >= m->row.uidnext)
		finding(k, "UIDNEXT %u is not above message %u",
		    m->row.uidnext, m->rec[m->n - 1].d.uid);
	check_files(k);
	check_counts(k, &sum);
	for (bit = 0; bit < m->n_keywords &&
	    m->row.flags_modseq >= m->row.modseq; bit++)
		if (bit >= k->f->n_keywords || k->f->keyword[bit] == NULL ||
		    strcmp(k->f->keyword[bit], m->keyword[bit]) != 0)
			finding(k, "keyword %u is not the same in flags", bit);
	if (k->n > FINDINGS_MAX) {
		bit = k->n - FINDINGS_MAX;
		k->n = 0;
		finding(k, "%u more findings", bit);
	}
}

static void
check_all(struct ctl_taking *r, struct found *f, struct checking *k)
{
	size_t i, m;

	for (i = 0; i < f->boxes.n; i++) {
		if (f->boxes.box[i].attrs & ATTR_NOSELECT)
			continue;
		for (m = 0; m < r->n && r->mailbox[m].id != f->mailbox[i].id;
		    m++)
			;
		k->name = f->boxes.box[i].name;
		k->f = &f->mailbox[i];
		k->m = &r->mailbox[m];
		k->n = 0;
		if (m == r->n)
			finding(k, "the mailbox is not in memory: rebuild");
		else
			check_mailbox(k);
	}
}

int
check_user(const char *name, const char *path, void (*found)(void *arg,
    const char *mailbox, const char *words), void *arg, struct buf *why)
{
	struct ctl_taking r = { .name = name, .idle = copy_account };
	struct checking k = { .r = &r, .found = found, .arg = arg };
	struct found f;

	if (take(&r, begin, why) == -1)
		return -1;
	memset(&f, 0, sizeof(f));
	if (r.unread)
		found(arg, "", "the index does not answer");
	else if (found_read(&f, path, why) == -1)
		found(arg, "", buf_str(why));
	else
		check_all(&r, &f, &k);
	found_clear(&f);
	copies_free(&r);
	r.call.fn = give_back;
	(void)helper_call(r.a->shard, &r.call);
	return 0;
}

int
rebuild_user(const char *name, int give_up, struct buf *why)
{
	struct ctl_taking r = { .name = name, .idle = rebuild_account,
		.give_up = give_up, .call.why = why };

	if (take(&r, begin, why) == -1 || r.call.failed)
		return -1;
	return 0;
}

static void
usage_go(struct call *c)
{
	struct ctl_taking *r = c->arg;
	struct account *a = account_get(c->item.shard, r->name);

	r->result = a == NULL ? TAKE_NONE : a->busy ? TAKE_BUSY :
	    a->state == ACCOUNT_READY ? TAKE_OK : TAKE_BROKEN;
	if (r->result == TAKE_OK) {
		(void)quota_check(a, 0, 0);
		account_usage(a, &r->usage->size, &r->usage->messages);
		r->usage->mailboxes = a->n_mailboxes;
		r->usage->quota_size = a->quota.quota_size;
		r->usage->quota_count = a->quota.quota_count;
		r->usage->full = a->full;
	}
	helper_done(c);
}

int
usage_user(const char *name, struct usage *u_r, struct buf *why)
{
	struct ctl_taking r = { .name = name, .usage = u_r };

	return take(&r, usage_go, why);
}
