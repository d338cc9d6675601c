#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/uids.h"

#include "imapd/imapd_news.h"

/*
 * The list is packed when it is more than twice as long as the box. What is
 * left is then no longer than the box, so that as many uids again must come
 * before the next time: all of it costs a sort or so for each of them.
 */
void
imapd_news_dirty(struct imapd_news *w, const struct door_record *rec,
    size_t n, uint32_t uid)
{
	if (w->n_dirty > w->n_told && w->dirty[w->n_dirty - 1] == uid)
		return;
	if (w->n_dirty == w->cap_dirty) {
		w->cap_dirty = w->cap_dirty * 2 + 16;
		w->dirty = mem_realloc(w->dirty, w->cap_dirty,
		    sizeof(*w->dirty));
	}
	w->dirty[w->n_dirty++] = uid;
	if (w->n_dirty > 2 * n + IMAPD_NEWS_SLACK)
		imapd_news_pack(w, rec, n);
}

void
imapd_news_pack(struct imapd_news *w, const struct door_record *rec,
    size_t n)
{
	size_t i, j, to = 0;

	w->n_dirty -= w->n_told;
	if (w->n_told > 0)
		memmove(w->dirty, w->dirty + w->n_told,
		    w->n_dirty * sizeof(*w->dirty));
	w->n_told = 0;
	w->n_dirty = uids_sort(w->dirty, w->n_dirty);
	for (i = j = 0; i < w->n_dirty; i++) {
		while (j < n && rec[j].uid < w->dirty[i])
			j++;
		if (j < n && rec[j].uid == w->dirty[i])
			w->dirty[to++] = w->dirty[i];
	}
	w->n_dirty = w->n_sorted = to;
}

void
imapd_news_clear(struct imapd_news *w)
{
	free(w->dirty);
	w->dirty = NULL;
	w->n_dirty = w->cap_dirty = w->n_sorted = w->n_told = 0;
}

int
imapd_news_any(const struct imapd_news *w)
{
	return w->n_dirty > 0 || w->stale || w->shrunk;
}
