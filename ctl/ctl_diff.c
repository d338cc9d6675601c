#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_diff.h"
#include "lib/base/mem.h"

/* A line with its end; the last one of a file may have none. */
struct line {
	const char *p;
	size_t	 len;
};

struct side {
	struct line *l;
	size_t	 n;
};

/* A line of the diff. sign: ' ', '-' or '+'. */
struct step {
	char	 sign;
	struct line line;
};

struct diff {
	struct side from, to;
	size_t	 first;		/* lines that both begin with */
	size_t	 last;		/* and end with */
	struct step *step;	/* all lines */
	size_t	 n;
};

static void
split(const struct buf *text, struct side *s)
{
	const char *p = buf_str(text), *end = p + text->len, *nl;
	size_t cap = 0;

	s->l = NULL;
	for (s->n = 0; p < end; p = nl) {
		nl = memchr(p, '\n', (size_t)(end - p));
		nl = nl == NULL ? end : nl + 1;
		if (s->n == cap) {
			cap = cap == 0 ? 64 : cap * 2;
			s->l = mem_realloc(s->l, cap, sizeof(*s->l));
		}
		s->l[s->n].p = p;
		s->l[s->n++].len = (size_t)(nl - p);
	}
}

static int
same(const struct line *a, const struct line *b)
{
	return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

static void
trim(struct diff *d)
{
	size_t least = d->from.n < d->to.n ? d->from.n : d->to.n;

	while (d->first < least && same(&d->from.l[d->first],
	    &d->to.l[d->first]))
		d->first++;
	while (d->last < least - d->first &&
	    same(&d->from.l[d->from.n - 1 - d->last],
	    &d->to.l[d->to.n - 1 - d->last]))
		d->last++;
}

static void
add(struct diff *d, char sign, const struct line *l)
{
	d->step[d->n].sign = sign;
	d->step[d->n++].line = *l;
}

/*
 * The lines in between by their longest common subsequence: len[i * w + j] is
 * that of the ones from i and from j on.
 */
static void
between(struct diff *d, size_t n, size_t m)
{
	const struct line *a = d->from.l + d->first, *b = d->to.l + d->first;
	size_t w = m + 1, i, j;
	uint32_t *len;

	len = mem_zalloc((n + 1) * w, sizeof(*len));
	for (i = n; i-- > 0;)
		for (j = m; j-- > 0;)
			len[i * w + j] = same(&a[i], &b[j]) ?
			    len[(i + 1) * w + j + 1] + 1 :
			    len[(i + 1) * w + j] > len[i * w + j + 1] ?
			    len[(i + 1) * w + j] : len[i * w + j + 1];
	for (i = j = 0; i < n || j < m;) {
		if (i < n && j < m && same(&a[i], &b[j])) {
			add(d, ' ', &a[i++]);
			j++;
		} else if (i < n && (j == m ||
		    len[(i + 1) * w + j] >= len[i * w + j + 1]))
			add(d, '-', &a[i++]);
		else
			add(d, '+', &b[j++]);
	}
	free(len);
}

static void
compare(struct diff *d)
{
	size_t n, m, i;

	trim(d);
	n = d->from.n - d->first - d->last;
	m = d->to.n - d->first - d->last;
	d->step = mem_alloc((d->from.n + d->to.n + 1) * sizeof(*d->step));
	for (i = 0; i < d->first; i++)
		add(d, ' ', &d->from.l[i]);
	if (m == 0 || n <= DIFF_CELLS / m)
		between(d, n, m);
	else {
		for (i = 0; i < n; i++)
			add(d, '-', &d->from.l[d->first + i]);
		for (i = 0; i < m; i++)
			add(d, '+', &d->to.l[d->first + i]);
	}
	for (i = d->from.n - d->last; i < d->from.n; i++)
		add(d, ' ', &d->from.l[i]);
}

/* The end of the hunk whose first change is at i: context included. */
static size_t
hunk_end(const struct diff *d, size_t i)
{
	size_t last = i;

	for (; i < d->n && i <= last + 1 + 2 * (size_t)DIFF_CONTEXT; i++)
		if (d->step[i].sign != ' ')
			last = i;
	last += 1 + DIFF_CONTEXT;
	return last < d->n ? last : d->n;
}

static size_t
count(const struct diff *d, size_t i, size_t end, char but)
{
	size_t n = 0;

	for (; i < end; i++)
		n += d->step[i].sign != but;
	return n;
}

/* The first line and their number; of none the line before. */
static void
put_range(struct buf *out, char sign, size_t before, size_t n)
{
	buf_printf(out, "%c%zu,%zu", sign, n == 0 ? before : before + 1, n);
}

static void
put_hunk(const struct diff *d, size_t i, size_t end, struct buf *out)
{
	const struct line *l;

	buf_puts(out, "@@ ");
	put_range(out, '-', count(d, 0, i, '+'), count(d, i, end, '+'));
	buf_putc(out, ' ');
	put_range(out, '+', count(d, 0, i, '-'), count(d, i, end, '-'));
	buf_puts(out, " @@\n");
	for (; i < end; i++) {
		l = &d->step[i].line;
		buf_putc(out, d->step[i].sign);
		buf_append(out, l->p, l->len);
		if (l->p[l->len - 1] != '\n')
			buf_puts(out, "\n\\ No newline at end of file\n");
	}
}

void
diff_unified(const char *name, const struct buf *from, const struct buf *to,
    struct buf *out)
{
	struct diff d = { .n = 0 };
	size_t i, start, end;

	if (from->len == to->len && memcmp(buf_str(from), buf_str(to),
	    from->len) == 0)
		return;
	split(from, &d.from);
	split(to, &d.to);
	compare(&d);
	buf_printf(out, "--- %s\n+++ %s\n", name, name);
	for (i = 0; i < d.n; i++) {
		if (d.step[i].sign == ' ')
			continue;
		start = i > DIFF_CONTEXT ? i - DIFF_CONTEXT : 0;
		end = hunk_end(&d, i);
		put_hunk(&d, start, end, out);
		i = end - 1;
	}
	free(d.from.l);
	free(d.to.l);
	free(d.step);
}
