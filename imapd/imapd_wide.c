#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#include "imapd/imapd_wide.h"

/* Among from..end: the one of that uid, or NULL. */
static struct imapd_wide_one *
wide_in(const struct imapd_wide *w, size_t from, size_t end, uint32_t uid)
{
	size_t lo = from, hi = end, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (w->one[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < end && w->one[lo].uid == uid ? &w->one[lo] : NULL;
}

static struct imapd_wide_one *
wide_find(const struct imapd_wide *w, uint32_t uid)
{
	struct imapd_wide_one *o = wide_in(w, 0, w->sorted, uid);

	return o != NULL ? o : wide_in(w, w->sorted, w->n, uid);
}

/* Those that came last go to their places among the others. */
static void
wide_merge(struct imapd_wide *w)
{
	size_t at = w->n, i = w->sorted, k = w->n - w->sorted;
	struct imapd_wide_one *late;

	if (k == 0)
		return;
	late = mem_alloc(k * sizeof(*late));
	memcpy(late, w->one + i, k * sizeof(*late));
	while (k > 0)
		if (i > 0 && w->one[i - 1].uid > late[k - 1].uid)
			w->one[--at] = w->one[--i];
		else
			w->one[--at] = late[--k];
	free(late);
	w->sorted = w->n;
}

static struct imapd_wide_one *
wide_new(struct imapd_wide *w, uint32_t uid)
{
	if (w->n > w->sorted && w->one[w->n - 1].uid > uid)
		wide_merge(w);
	if (w->n == w->cap) {
		w->cap = w->cap * 2 + 16;
		w->one = mem_realloc(w->one, w->cap, sizeof(*w->one));
	}
	/* As a rule all rise. */
	if (w->n == w->sorted && (w->n == 0 || w->one[w->n - 1].uid < uid))
		w->sorted++;
	w->one[w->n] = (struct imapd_wide_one){ .uid = uid };
	return &w->one[w->n++];
}

void
imapd_wide_put(struct imapd_wide *w, uint32_t uid, const void *p, size_t len)
{
	struct imapd_wide_one *o = wide_find(w, uid);

	if (o == NULL)
		o = wide_new(w, uid);
	free(o->set);
	o->len = (unsigned)len;
	o->set = mem_alloc(len + 1);
	memcpy(o->set, p, len);
}

void
imapd_wide_get(const struct imapd_wide *w, const struct door_record *r,
    struct keyword_set *s)
{
	const struct imapd_wide_one *o;

	memset(s, 0, sizeof(*s));
	s->word[0] = r->keywords;
	if (!(r->flags & MARK_WIDE))
		return;
	/* What is broken is none. */
	if ((o = wide_find(w, r->uid)) != NULL)
		(void)!keyword_set_unpack(s, o->set, o->len);
}

void
imapd_wide_sweep(struct imapd_wide *w,
    int (*stays)(const void *, uint32_t), const void *arg)
{
	size_t i, n = 0;

	wide_merge(w);
	for (i = 0; i < w->n; i++)
		if (stays(arg, w->one[i].uid))
			w->one[n++] = w->one[i];
		else
			free(w->one[i].set);
	w->n = w->sorted = n;
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
