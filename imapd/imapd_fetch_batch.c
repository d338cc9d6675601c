/*
 * The batches of a FETCH: one call of the door for many messages.
 */
#include <stdlib.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#include "imapd/imapd_door.h"
#include "imapd/imapd_fetch_batch.h"

enum { BATCH_CACHE = 128 };

void
imapd_batch_end(struct imapd_fetch *f)
{
	while (f->n_fds > 0)
		fd_close(&f->fds[--f->n_fds]);
	f->n = f->i = 0;
	f->n_seen = 0;
}

/* The next sequence number of the set; 0 at the end. */
static uint32_t
next_seq(struct imapd_fetch *f)
{
	const struct imapd_range *r;

	if (f->range == f->set.n)
		return 0;
	r = &f->set.r[f->range];
	if (f->next == 0)
		f->next = r->lo;
	if (f->next == r->hi) {
		f->range++;
		f->next = 0;
		return r->hi;
	}
	return f->next++;
}

/*
 * \Seen of those messages of the batch that lack it. Where it cannot be stored
 * (the disk is full) they are read all the same, and stay unseen.
 */
static void
batch_seen(struct imapd_session *s, struct imapd_fetch *f)
{
	struct imapd_box *b = s->view->box;
	struct door_record *rec = NULL;
	const struct door_record *r;
	uint32_t *failed = NULL;
	size_t i, n_rec, n_failed, hint = 0;

	f->n_seen = 0;
	if (f->seen == NULL)
		f->seen = mem_alloc(DOOR_OPEN_MAX * sizeof(*f->seen));
	for (i = 0; i < f->n; i++) {
		r = imapd_box_find(b, f->uids[i], &hint);
		if (r != NULL && !(r->flags & FLAG_SEEN))
			f->seen[f->n_seen++] = r->uid;
	}
	if (f->n_seen == 0)
		return;
	if (door_store(&imapd_door, b->id, f->seen, f->n_seen, DOOR_ADD,
	    FLAG_SEEN, NULL, UINT64_MAX, &rec, &n_rec, &failed,
	    &n_failed) == 0)
		imapd_box_update(b, rec, n_rec, &s->view->news);
	else {
		log_info("%s: \\Seen of %zu messages not stored: %s",
		    s->remote, f->n_seen, imapd_door_words());
		f->n_seen = 0;
	}
	free(rec);
	free(failed);
}

int
imapd_batch_begin(struct imapd_session *s, struct imapd_fetch *f)
{
	const struct imapd_box *b = s->view->box;
	const struct door_record *r;
	size_t max = f->items.file ? DOOR_OPEN_MAX :
	    f->items.cache ? BATCH_CACHE : IMAPD_BATCH_MAX, n;
	uint32_t seq;

	imapd_batch_end(f);
	while (f->n < max && (seq = next_seq(f)) != 0) {
		r = imapd_box_known(b, s->view->uids[seq - 1], &f->hint);
		if (r == NULL) {
			f->gone = 1;
			continue;
		}
		if (r->modseq <= f->changed_since)
			continue;
		f->seqs[f->n] = seq;
		f->uids[f->n++] = r->uid;
	}
	if (f->n == 0)
		return 0;
	if (f->items.cache) {
		if (door_cache_get(&imapd_door, b->id, f->uids, f->n,
		    &f->packed, &n) == -1)
			return -1;
		cursor_init(&f->cache, f->packed.data, f->packed.len);
	}
	if (f->items.ids && door_ids(&imapd_door, b->id, f->uids, f->n,
	    &f->ids) == -1)
		return -1;
	if (f->items.file) {
		if (door_open(&imapd_door, b->id, f->uids, f->n,
		    f->fds) == -1)
			return -1;
		f->n_fds = f->n;
	}
	if (f->items.seen && !s->view->readonly)
		batch_seen(s, f);
	return 1;
}
