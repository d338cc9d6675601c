#include "config.h"

#include <string.h>

#include "ctl/ctl_granted.h"

void
set_join(struct set *s)
{
	struct row *r, *user;
	size_t i = 0, k;

	while ((r = text_next(&s->t[TEXT_USERS], &i)) != NULL) {
		memset(&r->joined, 0, sizeof(r->joined));
		r->n_groups = 0;
	}
	for (i = 0; (r = text_next(&s->t[TEXT_GROUPS], &i)) != NULL;)
		for (k = 0; k < r->n_targets; k++) {
			user = text_find(&s->t[TEXT_USERS], r->targets[k]);
			if (user == NULL)
				continue;
			grants_join(&user->joined, &r->grants);
			user->n_groups++;
		}
}

void
set_grants(const struct set *s, const struct row *user, struct grants *g_r)
{
	const char *at = strrchr(user->key, '@');
	const struct row *domain;

	*g_r = user->grants;
	grants_fill(g_r, &user->joined);
	domain = at == NULL ? NULL :
	    text_find(&s->t[TEXT_DOMAINS], at + 1);
	if (domain != NULL && domain->value != NULL)
		domain = text_find(&s->t[TEXT_DOMAINS], domain->value);
	if (domain != NULL)
		grants_fill(g_r, &domain->grants);
	grants_fill(g_r, &s->system);
	grants_default(g_r);
}
