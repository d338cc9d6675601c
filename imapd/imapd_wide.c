#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#include "imapd/imapd_wide.h"

/* Index of the first of at least that uid. */
static size_t
wide_at(const struct imapd_wide *w, uint32_t uid)
{
	size_t lo = 0, hi = w->n, mid;

	/* As a rule they rise. */
	if (w->n > 0 && w->one[w->n - 1].uid < uid)
		return w->n;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (w->one[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void
imapd_wide_put(struct imapd_wide *w, uint32_t uid, const void *p, size_t len)
{
	size_t at = wide_at(w, uid);
	struct imapd_wide_one *o;

	if (at == w->n || w->one[at].uid != uid) {
		if (w->n == w->cap) {
			w->cap = w->cap * 2 + 16;
			w->one = mem_realloc(w->one, w->cap, sizeof(*w->one));
		}
		memmove(w->one + at + 1, w->one + at,
		    (w->n++ - at) * sizeof(*w->one));
		w->one[at].set = NULL;
	}
	o = &w->one[at];
	free(o->set);
	o->uid = uid;
	o->len = (unsigned)len;
	o->set = mem_alloc(len + 1);
	memcpy(o->set, p, len);
}

void
imapd_wide_get(const struct imapd_wide *w, const struct door_record *r,
    struct keyword_set *s)
{
	size_t at;

	memset(s, 0, sizeof(*s));
	s->word[0] = r->keywords;
	if (!(r->flags & MARK_WIDE))
		return;
	at = wide_at(w, r->uid);
	/* What is broken is none. */
	if (at < w->n && w->one[at].uid == r->uid)
		(void)!keyword_set_unpack(s, w->one[at].set, w->one[at].len);
}

void
imapd_wide_sweep(struct imapd_wide *w,
    int (*stays)(const void *, uint32_t), const void *arg)
{
	size_t i, n = 0;

	for (i = 0; i < w->n; i++)
		if (stays(arg, w->one[i].uid))
			w->one[n++] = w->one[i];
		else
			free(w->one[i].set);
	w->n = n;
}

void
imapd_wide_clear(struct imapd_wide *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		free(w->one[i].set);
	free(w->one);
	memset(w, 0, sizeof(*w));
}

int
imapd_wide_next(struct cursor *c, const struct door_record *r,
    const void **p_r, size_t *len_r)
{
	uint32_t uid;

	if (!(r->flags & MARK_WIDE))
		return 0;
	uid = cursor_u32(c);
	*p_r = cursor_lv(c, len_r, KEYWORD_PACKED);
	return !c->bad && uid == r->uid;
}
