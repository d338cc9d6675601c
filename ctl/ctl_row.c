#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_name.h"
#include "ctl/ctl_row.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

char *
row_take(struct buf *b)
{
	char *s = mem_strdup(buf_str(b));

	buf_clear(b);
	return s;
}

int
row_split(const char *p, size_t len, char c, size_t *left_r,
    const char **right_r, size_t *rlen_r)
{
	const char *at = memchr(p, c, len);
	const char *left = p;

	if (at == NULL)
		return 0;
	*left_r = (size_t)(at - p);
	*right_r = at + 1;
	*rlen_r = len - *left_r - 1;
	name_trim(&left, left_r);
	name_trim(right_r, rlen_r);
	return 1;
}

const char *
row_word(const char **p, size_t *len, size_t *n_r)
{
	const char *word;

	name_trim(p, len);
	word = *p;
	for (*n_r = 0; *n_r < *len && word[*n_r] != ' ' &&
	    word[*n_r] != '\t'; (*n_r)++)
		;
	*p += *n_r;
	*len -= *n_r;
	return word;
}

void
row_unknown(const char *p, size_t len, const char *more, struct buf *why)
{
	struct buf usage = BUF_INIT(0);

	grants_usage(&usage);
	if (more != NULL)
		buf_printf(&usage, ", %s", more);
	buf_set(why, _("%.*s: not known (%s)"), (int)(len > 80 ? 80 : len), p,
	    buf_str(&usage));
	buf_clear(&usage);
}

int
row_grants(char *const *words, int n, struct grants *g, struct buf *why)
{
	int i, found;

	for (i = 0; i < n; i++) {
		found = grants_change(words[i], strlen(words[i]), g, why);
		if (found == 0)
			row_unknown(words[i], strlen(words[i]), NULL, why);
		if (found != 1)
			return -1;
	}
	return 0;
}

int
row_parse(const struct table *t, const char *p, size_t len, struct row *r,
    struct buf *why)
{
	memset(r, 0, sizeof(*r));
	if (!str_is_text(p, len)) {
		buf_set(why, _("NUL or carriage return in a line"));
		return -1;
	}
	return t->parse(p, len, r, why);
}

void
row_free(struct row **rp)
{
	struct row *r = *rp;
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->n_targets; i++)
		free(r->targets[i]);
	free(r->targets);
	free(r->owner);
	free(r->admins);
	if (r->value != NULL)
		mem_wipe(r->value, strlen(r->value));
	if (r->hash != NULL)
		mem_wipe(r->hash, strlen(r->hash));
	free(r->value);
	free(r->hash);
	free(r->pam);
	free(r->key);
	free(r);
	*rp = NULL;
}
