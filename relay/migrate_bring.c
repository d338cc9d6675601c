/*
 * The messages that are not here. They come in batches: while the server sends
 * one, the next one is asked for already; each goes into files of store as it
 * comes, and the batch becomes messages in one call.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "lib/mail/mime.h"
#include "relay/migrate.h"

/* A message on its way into its file. */
struct incoming {
	struct source_message *src;
	char	 file[DOOR_FILE_NAME + 1];	/* "": none */
	int	 fd;
	uint64_t size;
	uint64_t of;				/* as it was said */
	uint32_t crc;
	struct mime_header_end header;
	struct door_tail tail;
	const char *bad;			/* why it is left there */
};

struct batch {
	struct source_message **want;		/* those asked for, by uid */
	size_t	 n_want;
	int	 refused;			/* the server said NO */
	unsigned tag;
	struct incoming in[MIGRATE_BATCH];
	size_t	 n;
};

/* Two batches are under way; a message of either may come at any time. */
struct pull {
	struct box *b;
	struct batch two[2];
	struct incoming now;			/* the one that comes */
	int	 single;			/* batches are of one message */
	int	 trouble;			/* errno, or -1: the door's */
};

static const char too_large[] = "it is larger than message_size";

/* It stays there. */
static void
leave(struct box *b, struct source_message *s, const char *words)
{
	s->left = 1;
	tell_skipped(b, s->uid, words);
}

static void
back(struct pull *p, struct incoming *in)
{
	fd_close(&in->fd);
	if (in->file[0] != '\0')
		(void)door_file_back(&p->b->g->door, in->file);
	in->file[0] = '\0';
}

static void
now_reset(struct pull *p)
{
	memset(&p->now, 0, sizeof(p->now));
	p->now.fd = -1;
}

static void
on_body(void *ctx, const char *p, size_t len, uint64_t size)
{
	struct pull *t = ctx;
	struct incoming *in = &t->now;

	/* A whole one, and nobody said which message it is. */
	if (in->size > 0 && in->size == in->of) {
		back(t, in);
		now_reset(t);
	}
	in->of = size;
	in->size += len;
	if (size > t->b->g->most)
		in->bad = too_large;
	else if (memchr(p, '\0', len) != NULL)
		in->bad = "it has NUL octets";
	if (in->bad != NULL || t->trouble != 0)
		return;
	if (in->fd == -1 && door_file(&t->b->g->door, &in->fd,
	    in->file) == -1) {
		t->trouble = -1;
		return;
	}
	mime_header_more(&in->header, p, len);
	in->crc = crc32c(in->crc, p, len);
	door_tail_add(&in->tail, p, len);
	if (fd_write_all(in->fd, p, len) == -1)
		t->trouble = errno;
}

static struct source_message *
wanted(const struct batch *t, uint32_t uid)
{
	size_t lo = 0, hi = t->n_want, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (t->want[mid]->uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->n_want && t->want[lo]->uid == uid ? t->want[lo] : NULL;
}

/* Did that one come already? */
static int
is_twice(const struct batch *t, const struct source_message *s)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->in[i].src == s)
			return 1;
	return 0;
}

/* Its file is whole, or goes back. */
static void
arrived(struct pull *p, struct batch *t, struct incoming *in)
{
	if (in->bad != NULL || p->trouble != 0)
		back(p, in);
	else if (fd_close(&in->fd) == -1)
		p->trouble = errno;
	t->in[t->n++] = *in;
}

static void
on_message(void *ctx, const struct imap_message *m)
{
	struct pull *p = ctx;
	struct incoming *in = &p->now;
	struct batch *t;

	if (m->body == 0)
		return;
	if (m->body == 2 && m->text->len > 0)
		on_body(p, m->text->p, m->text->len, m->text->len);
	if (in->size == 0 && in->bad == NULL)
		in->bad = "it is empty";
	t = &p->two[0];
	if ((in->src = wanted(t, m->uid)) == NULL) {
		t = &p->two[1];
		in->src = wanted(t, m->uid);
	}
	if (in->src != NULL && !is_twice(t, in->src) && t->n < MIGRATE_BATCH)
		arrived(p, t, in);
	else
		back(p, in);
	now_reset(p);
}

static const struct imap_fetched bodies = {
	.message = on_message, .body = on_body,
};

static int
by_uid(const void *a, const void *b)
{
	const struct incoming *x = a, *y = b;

	return x->src->uid < y->src->uid ? -1 : x->src->uid > y->src->uid;
}

/* The keywords of a message, NULL behind them. */
static char **
keywords(const struct box *b, uint64_t bits)
{
	const struct state_box *sb = &b->g->state.box[b->state];
	char **list = mem_alloc((STATE_KEYWORDS + 1) * sizeof(*list));
	size_t n = 0;
	unsigned i;

	for (i = 0; i < sb->n_keywords; i++)
		if (bits >> i & 1)
			list[n++] = sb->keyword[i];
	list[n] = NULL;
	return list;
}

static void
noted(struct box *b, const struct source_message *s, uint32_t here)
{
	state_add(&b->g->state, b->state, &(struct state_message){
	    .uid = s->uid, .here = here, .flags = s->flags,
	    .keywords = s->keywords });
}

/*
 * They become messages. 1: their uids were given out meanwhile: once more,
 * with others; the files are gone. 0, or -1 (the door says why).
 */
static int
import(struct box *b, struct incoming *const *in, size_t n)
{
	struct door_imported list[MIGRATE_BATCH];
	uint32_t first = 0, uidvalidity;
	size_t i;
	int r;

	memset(list, 0, sizeof(list));
	for (i = 0; i < n; i++) {
		list[i].m = (struct door_appended){ in[i]->file, in[i]->size,
		    in[i]->crc, (uint32_t)in[i]->header.len,
		    in[i]->src->flags | door_tail_mark(&in[i]->tail),
		    keywords(b, in[i]->src->keywords), in[i]->src->date };
		list[i].uid = b->keep ? in[i]->src->uid : 0;
		migrate_id(b->g, b, in[i]->src->uid, list[i].id);
	}
	r = door_import(&b->g->door, b->here.id, list, n, &first,
	    &uidvalidity);
	for (i = 0; i < n; i++) {
		in[i]->file[0] = '\0';
		free(list[i].m.keywords);
		if (r != 0)
			continue;
		noted(b, in[i]->src, list[i].uid != 0 ? list[i].uid :
		    first + (uint32_t)i);
		b->brought++;
		b->octets += in[i]->size;
	}
	return r == -1 && b->keep && door_error(&b->g->door) == D_EXISTS ? 1 :
	    r;
}

static enum step
trouble(struct pull *p)
{
	if (p->trouble == -1)
		return migrate_here(p->b->g);
	buf_set(&p->b->g->words, "the disk: %s", strerror(p->trouble));
	return STEP_END;
}

/* Forgets a batch, with the files that became nothing. */
static void
batch_clear(struct pull *p, struct batch *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		back(p, &t->in[i]);
	t->n = t->n_want = 0;
}

/* What stays there of it. */
static void
batch_left(struct box *b, struct batch *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->in[i].bad != NULL)
			leave(b, t->in[i].src, t->in[i].bad);
	if (t->refused && t->n_want > 1)
		return;		/* each is asked for by itself */
	for (i = 0; t->n < t->n_want && i < t->n_want; i++)
		if (!is_twice(t, t->want[i]))
			leave(b, t->want[i], t->refused ?
			    buf_str(&b->g->words) :
			    "the server did not send it");
}

/* What came of the batch. */
static enum step
batch_take(struct pull *p, struct batch *t, int *again_r)
{
	struct incoming *good[MIGRATE_BATCH];
	size_t i, n = 0;
	int r = 0;

	if (p->trouble != 0)
		return trouble(p);
	if (t->n > 0)
		qsort(t->in, t->n, sizeof(t->in[0]), by_uid);
	for (i = 0; i < t->n; i++)
		if (t->in[i].bad == NULL)
			good[n++] = &t->in[i];
	if (n > 0)
		r = import(p->b, good, n);
	if (r == 1) {
		*again_r = 1;
		p->b->keep = 0;
		return STEP_DONE;
	}
	if (r == -1)
		return migrate_here(p->b->g);
	batch_left(p->b, t);
	if (t->refused && t->n_want > 1)
		*again_r = p->single = 1;
	return migrate_keep(p->b->g);
}

/* Asks for the next messages of the n at want. How many. */
static size_t
batch_ask(struct pull *p, struct batch *t, struct source_message **want,
    size_t n)
{
	struct imap_client *c = &p->b->g->imap;
	struct buf set = BUF_INIT(2 * IMAP_SET_MAX);
	uint32_t uids[MIGRATE_BATCH];
	uint64_t size = 0;
	size_t i, most = p->single ? 1 : MIGRATE_BATCH;

	t->want = want;
	t->n = 0;
	t->refused = 0;
	for (i = 0; i < n && i < most && (i == 0 ||
	    size + want[i]->size <= MIGRATE_BATCH_SIZE); i++) {
		uids[i] = want[i]->uid;
		size += want[i]->size;
	}
	t->n_want = imap_set_put(&set, uids, i);
	t->tag = imap_fetch_send(c, buf_str(&set), "UID BODY.PEEK[]");
	buf_clear(&set);
	return t->n_want;
}

/* With NO some of them may have come. */
static enum step
batch_wait(struct pull *p, struct batch *t)
{
	enum step r = migrate_there(p->b->g, imap_fetch_wait(
	    &p->b->g->imap, t->tag, &bodies, p));

	t->refused = r == STEP_PASS;
	return r == STEP_PASS ? STEP_DONE : r;
}

/*
 * The second is asked for before the first is read, and comes while the first
 * is imported. again_r: those that are left are to be had once more, for the
 * uids of there have been given out meanwhile, or one of a batch was refused.
 */
static enum step
bring(struct pull *p, struct source_message **want, size_t n, int *again_r)
{
	struct batch *t = &p->two[0], *next = &p->two[1], *swap;
	size_t at, done = 0;
	enum step r = STEP_DONE;

	at = batch_ask(p, t, want, n);
	while (r == STEP_DONE && done < n && !*again_r) {
		if (at < n)
			at += batch_ask(p, next, want + at, n - at);
		if ((r = batch_wait(p, t)) == STEP_DONE)
			r = batch_take(p, t, again_r);
		done += t->n_want;
		batch_clear(p, t);
		/* What was asked for comes. */
		if ((r == STEP_PASS || *again_r) && done < at &&
		    batch_wait(p, next) == STEP_END)
			r = STEP_END;
		tell_progress(p->b->g, p->b->name, done, n);
		swap = t;
		t = next;
		next = swap;
	}
	batch_clear(p, t);
	batch_clear(p, next);
	back(p, &p->now);
	now_reset(p);
	return r;
}

/* Ids for life, each with its uid here. */
struct present {
	unsigned char id[DOOR_ID];
	uint32_t here;
};

static int
by_id(const void *a, const void *b)
{
	const struct present *x = a, *y = b;

	return memcmp(x->id, y->id, DOOR_ID);
}

/* Those of n messages here, appended at p. */
static enum step
ids_of(struct box *b, const struct door_record *rec, size_t n,
    struct present *p, size_t *n_p)
{
	struct buf packed = BUF_INIT(0);
	uint32_t uids[DOOR_CHANGE_MAX];
	struct cursor c;
	size_t i, at, k;
	int r = 0;

	for (at = 0; at < n && r == 0; at += k) {
		k = n - at < DOOR_CHANGE_MAX ? n - at : DOOR_CHANGE_MAX;
		for (i = 0; i < k; i++)
			uids[i] = rec[at + i].uid;
		buf_reset(&packed);
		r = door_ids(&b->g->door, b->here.id, uids, k, &packed);
		cursor_init(&c, packed.data, packed.len);
		for (i = 0; i < k && cursor_left(&c) >= 4 + DOOR_ID; i++) {
			p[*n_p].here = cursor_u32(&c);
			memcpy(p[(*n_p)++].id, cursor_take(&c, DOOR_ID),
			    DOOR_ID);
		}
	}
	buf_clear(&packed);
	return r == 0 ? STEP_DONE : migrate_here(b->g);
}

/*
 * A run that was killed may have brought messages of which the file does not
 * tell: they lie above all of which it does.
 */
static enum step
present(struct box *b, struct present **p_r, size_t *n_r)
{
	uint32_t from = b->g->state.box[b->state].top + 1;
	struct door_record *rec = NULL;
	uint64_t modseq;
	enum step r = STEP_DONE;
	size_t n = 0;
	int more = b->here.messages > 0;

	while (more) {
		if (door_records_from(&b->g->door, b->here.id, from, &rec, &n,
		    &modseq, &more) == -1) {
			free(rec);
			return migrate_here(b->g);
		}
		if (n > 0)
			from = rec[n - 1].uid + 1;
	}
	*p_r = mem_alloc((n + 1) * sizeof(**p_r));
	*n_r = 0;
	if (n > 0)
		r = ids_of(b, rec, n, *p_r, n_r);
	free(rec);
	if (*n_r > 0)
		qsort(*p_r, *n_r, sizeof(**p_r), by_id);
	return r;
}

/* Those that are here already, by their ids, are noted. */
static enum step
repair(struct box *b)
{
	struct state_box *sb = &b->g->state.box[b->state];
	struct present *p = NULL, key, *found;
	size_t i, n = 0, noted_n = 0;
	enum step r = present(b, &p, &n);

	for (i = 0; r == STEP_DONE && n > 0 && i < b->n; i++) {
		if (state_find(sb, b->v[i].uid) != NULL)
			continue;
		migrate_id(b->g, b, b->v[i].uid, key.id);
		found = bsearch(&key, p, n, sizeof(*p), by_id);
		if (found == NULL)
			continue;
		noted(b, &b->v[i], found->here);
		noted_n++;
	}
	free(p);
	return r == STEP_DONE && noted_n > 0 ? migrate_keep(b->g) : r;
}

/* Those that are to be brought. */
static size_t
collect(struct box *b, struct source_message **want)
{
	struct state_box *sb = &b->g->state.box[b->state];
	size_t i, n = 0;

	for (i = 0; i < b->n; i++) {
		if (b->v[i].left || state_find(sb, b->v[i].uid) != NULL)
			continue;
		if (b->v[i].size > b->g->most) {
			leave(b, &b->v[i], too_large);
			continue;
		}
		if (!b->v[i].has_date)
			b->v[i].date = clock_now();
		want[n++] = &b->v[i];
	}
	return n;
}

enum step
migrate_bring(struct box *b)
{
	struct source_message **want = mem_alloc((b->n + 1) * sizeof(*want));
	struct pull *p = mem_zalloc(1, sizeof(*p));
	enum step r = repair(b);
	int again = 1;
	size_t n;

	p->b = b;
	now_reset(p);
	while (r == STEP_DONE && again) {
		again = 0;
		if ((n = collect(b, want)) > 0)
			r = bring(p, want, n, &again);
	}
	free(p);
	free(want);
	return r;
}
