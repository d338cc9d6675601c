#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth_bound.h"
#include "auth/auth_cache.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

struct bound_entry {
	char	*account;
	int64_t	 until[AUTH_BOUND_WRONG];	/* its wrong ones count */
};

struct auth_bound {
	void	*tree;		/* entries by account: tsearch(3) */
	struct auth_cache *right, *wrong;
};

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct bound_entry *)a)->account,
	    ((const struct bound_entry *)b)->account);
}

static void
entry_free(void *p)
{
	struct bound_entry *e = p;

	free(e->account);
	free(e);
}

struct auth_bound *
auth_bound_new(void)
{
	struct auth_bound *b = mem_zalloc(1, sizeof(*b));

	b->right = auth_cache_new(AUTH_BOUND_KNOWN_MS);
	b->wrong = auth_cache_new(AUTH_BOUND_MS);
	return b;
}

void
auth_bound_free(struct auth_bound **bp)
{
	struct auth_bound *b = *bp;

	if (b == NULL)
		return;
	tdestroy(b->tree, entry_free);
	auth_cache_free(&b->right);
	auth_cache_free(&b->wrong);
	free(b);
	*bp = NULL;
}

static struct bound_entry *
find(const struct auth_bound *b, const char *account)
{
	struct bound_entry want = { .account = (char *)(uintptr_t)account };
	struct bound_entry *const *found;

	found = tfind(&want, (void *const *)&b->tree, compare);
	return found == NULL ? NULL : *found;
}

/* How many count now; an entry of none goes. */
static unsigned
counted(struct auth_bound *b, const char *account, int64_t now)
{
	struct bound_entry *e = find(b, account);
	unsigned i, n = 0;

	if (e == NULL)
		return 0;
	for (i = 0; i < AUTH_BOUND_WRONG; i++)
		n += e->until[i] > now;
	if (n == 0) {
		(void)tdelete(e, &b->tree, compare);
		entry_free(e);
	}
	return n;
}

enum auth_bound_word
auth_bound_judge(struct auth_bound *b, const char *account, const char *user,
    const char *password, int64_t now)
{
	if (auth_cache_has(b->right, account, user, password, now))
		return AUTH_BOUND_KNOWN;
	if (auth_cache_has(b->wrong, account, user, password, now))
		return AUTH_BOUND_AGAIN;
	return counted(b, account, now) < AUTH_BOUND_WRONG ? AUTH_BOUND_ASK :
	    AUTH_BOUND_FULL;
}

void
auth_bound_passed(struct auth_bound *b, const char *account, const char *user,
    const char *password, int64_t now)
{
	auth_cache_drop(b->wrong, account, user, password);
	auth_cache_add(b->right, account, user, password, now);
}

/* In the place of the one that ends first. */
void
auth_bound_failed(struct auth_bound *b, const char *account, const char *user,
    const char *password, int64_t now)
{
	struct bound_entry *e = find(b, account);
	unsigned i, first = 0;

	auth_cache_drop(b->right, account, user, password);
	auth_cache_add(b->wrong, account, user, password, now);
	if (e == NULL) {
		e = mem_zalloc(1, sizeof(*e));
		e->account = mem_strdup(account);
		if (tsearch(e, &b->tree, compare) == NULL)
			log_fatal("out of memory: a count of wrong passwords");
	}
	for (i = 1; i < AUTH_BOUND_WRONG; i++)
		if (e->until[i] < e->until[first])
			first = i;
	e->until[first] = now + AUTH_BOUND_MS;
}
