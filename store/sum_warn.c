#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/limits.h"
#include "store/account.h"
#include "store/account_load.h"
#include "store/account_warn.h"
#include "store/sum.h"
#include "store/sum_warn.h"

/* One account that is to be told. */
struct telling {
	struct item item;
	char	 domain[DOMAIN_MAX + 1];
	char	 name[ADDRESS_MAX + 1];
	struct warn_usage u;
	int	 level;
};

static void
tell(struct item *i)
{
	struct telling *t = (struct telling *)i;
	struct account *a = shard_stopping(i->shard) ? NULL :
	    account_get(i->shard, t->name);
	enum warned w = a == NULL ? WARNED_DONE :
	    domain_warn(a, t->domain, &t->u, t->level);

	if (w != WARNED_BEGUN)
		sum_told(t->domain, w == WARNED_DONE);
	free(t);
}

static void
post(const char *name, size_t len, const char *domain,
    const struct warn_usage *u, int level)
{
	struct telling *t = mem_zalloc(1, sizeof(*t));

	memcpy(t->name, name, len);
	(void)!str_copy(t->domain, sizeof(t->domain), domain);
	t->u = *u;
	t->level = level;
	t->item.shard = shard_of(t->name, NULL);
	t->item.run = tell;
	shard_post(&t->item);
}

int
sum_warn(const char *domain, const struct warn_usage *u, int level)
{
	struct buf names = BUF_INIT(0);
	enum lookup r = store.postmasters(domain, &names);
	struct cursor c;
	const char *p;
	size_t len;
	int n = 0;

	cursor_init(&c, names.data, r == LOOKUP_FOUND ? names.len : 0);
	while (cursor_left(&c) > 0 &&
	    (p = cursor_lv(&c, &len, ADDRESS_MAX)) != NULL) {
		post(p, len, domain, u, level);
		n++;
	}
	buf_clear(&names);
	if (n == 0 && level > 0 && r != LOOKUP_ERROR)
		log_warn("%s: its accounts hold %u percent of what they may "
		    "together, and postmaster@%s leads to no account that "
		    "could be told", domain, warn_percent(u), domain);
	return r == LOOKUP_ERROR ? -1 : n;
}
