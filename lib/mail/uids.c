#include <stdlib.h>

#include "lib/mail/uids.h"

size_t
uids_find(const uint32_t *list, size_t n, uint32_t uid)
{
	size_t lo = 0, hi = n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (list[mid] < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int
uid_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

size_t
uids_sort(uint32_t *list, size_t n)
{
	size_t i, to = 0;

	if (n < 2)
		return n;
	qsort(list, n, sizeof(*list), uid_cmp);
	for (i = 1; i < n; i++)
		if (list[i] != list[to])
			list[++to] = list[i];
	return to + 1;
}
