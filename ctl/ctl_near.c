#include "config.h"

#include <string.h>

#include "ctl/ctl_near.h"

/* Levenshtein's distance, a row of his matrix at a time. */
unsigned
near_distance(const char *a, const char *b)
{
	size_t alen = strlen(a), blen = strlen(b), i, j;
	unsigned row[NEAR_LENGTH + 1], left, up, best;

	if (alen > NEAR_LENGTH || blen > NEAR_LENGTH)
		return NEAR_LENGTH + 1;
	for (j = 0; j <= blen; j++)
		row[j] = (unsigned)j;
	for (i = 1; i <= alen; i++) {
		left = row[0];
		row[0] = (unsigned)i;
		for (j = 1; j <= blen; j++) {
			up = row[j];
			best = left + (a[i - 1] != b[j - 1]);
			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			left = up;
			row[j] = best;
		}
	}
	return row[blen];
}

/* How far the key is from the name; 0: it is not like it at all. */
static unsigned
far_from(const char *key, const char *name)
{
	unsigned d = near_distance(key, name) + 1;

	/* A third of it may be wrong. */
	if (3 * (d - 1) <= strlen(name))
		return d;
	/* A part of it is all that was remembered. */
	if (strlen(name) >= 3 && strstr(key, name) != NULL)
		return NEAR_LENGTH + (unsigned)strlen(key);
	return 0;
}

void
near_keys(const struct keys *k, const char *name, struct buf *out)
{
	const char *best[NEAR_MAX];
	unsigned at[NEAR_MAX], n = 0, d, i, j;
	size_t m;

	for (m = 0; m < k->n; m++) {
		if ((d = far_from(k->k[m].name, name)) == 0)
			continue;
		for (i = 0; i < n && at[i] <= d; i++)
			;
		if (i == NEAR_MAX)
			continue;
		if (n < NEAR_MAX)
			n++;
		for (j = n - 1; j > i; j--) {
			at[j] = at[j - 1];
			best[j] = best[j - 1];
		}
		at[i] = d;
		best[i] = k->k[m].name;
	}
	/* Beside one that is nearer the others were not meant. */
	while (n > 1 && at[0] <= NEAR_LENGTH && at[n - 1] > at[0])
		n--;
	for (i = 0; i < n; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "", best[i]);
}
