#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#include "imapd/imapd_flags.h"

/* A system flag by its name with the backslash, 0: none. */
static uint32_t
imapd_flag_system(const char *p, size_t len)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} names[] = {
		{ "\\Seen", FLAG_SEEN }, { "\\Answered", FLAG_ANSWERED },
		{ "\\Flagged", FLAG_FLAGGED }, { "\\Deleted", FLAG_DELETED },
		{ "\\Draft", FLAG_DRAFT },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_is(p, len, names[i].name))
			return names[i].flag;
	return 0;
}

static int
has_keyword(const struct imapd_flags *f, const struct imapd_arg *a)
{
	unsigned i;

	for (i = 0; i < f->n; i++)
		if (str_is(a->p, a->len, f->keywords[i]))
			return 1;
	return 0;
}

const char *
imapd_flags_read(struct imapd_flags *f, const struct imapd_arg *a, size_t n)
{
	uint32_t flag;

	memset(f, 0, sizeof(*f));
	for (; n > 0; n--, a = imapd_arg_next(a)) {
		if (a->type != IMAPD_ATOM)
			return "A flag is expected";
		flag = imapd_flag_system(a->p, a->len);
		f->flags |= flag;
		if (flag != 0 || str_is(a->p, a->len, "\\Recent"))
			continue;	/* \Recent is not the client's */
		if (!keyword_ok(a->p, a->len))
			return "There is no such flag";
		if (f->n == DOOR_NAMES_MAX || has_keyword(f, a))
			continue;
		f->keywords = mem_realloc(f->keywords, f->n + 2,
		    sizeof(*f->keywords));
		f->keywords[f->n++] = mem_strndup(a->p, a->len);
		f->keywords[f->n] = NULL;
	}
	return NULL;
}

void
imapd_flags_clear(struct imapd_flags *f)
{
	while (f->n > 0)
		free(f->keywords[--f->n]);
	free(f->keywords);
	f->keywords = NULL;
}
