#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/pattern.h"

#include "imapd/imapd_list_args.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_status.h"

struct option {
	const char *name;
	unsigned bit;
};

static const struct option select_options[] = {
	{ "SUBSCRIBED", IMAPD_L_SUBSCRIBED }, { "REMOTE", IMAPD_L_REMOTE },
	{ "RECURSIVEMATCH", IMAPD_L_RECURSIVE },
	{ "SPECIAL-USE", IMAPD_L_USE }, { NULL, 0 }
};
static const struct option return_options[] = {
	{ "SUBSCRIBED", IMAPD_L_SUBSCRIBED },
	{ "CHILDREN", IMAPD_L_CHILDREN }, { "SPECIAL-USE", IMAPD_L_USE },
	{ "STATUS", IMAPD_L_STATUS }, { NULL, 0 }
};

/* The bit of an option, 0 for none. */
static unsigned
option_find(const struct option *o, const struct imapd_arg *a)
{
	for (; o->name != NULL; o++)
		if (imapd_arg_is(a, o->name))
			return o->bit;
	return 0;
}

/*
 * Wildcards are plain ASCII, so they pass the decoding. A leading "inbox" in
 * any case is INBOX.
 */
int
imapd_pattern_read(const struct imapd_arg *ref, const struct imapd_arg *pat,
    struct buf *out)
{
	struct buf wire = BUF_INIT(PATTERN_MAX);
	int r = -1;

	buf_init(out, PATTERN_MAX);
	if (buf_append(&wire, ref->p, ref->len) == 0 &&
	    buf_append(&wire, pat->p, pat->len) == 0)
		r = imapd_names_read(buf_str(&wire), wire.len, out);
	buf_clear(&wire);
	if (r == 0 && out->len > 0)
		out->len = pattern_fold(out->data, out->len);
	return r;
}

int
imapd_pattern_name(const struct buf *pattern, const char *name, size_t len)
{
	char folded[PATTERN_MAX];

	if (pattern_match(buf_str(pattern), pattern->len, name, len))
		return 1;
	if (len != 5 || memcmp(name, "INBOX", 5) != 0 ||
	    pattern->len > sizeof(folded) || pattern->len == 0)
		return 0;
	memcpy(folded, pattern->data, pattern->len);
	str_tolower(folded, pattern->len);
	return pattern_match(folded, pattern->len, "inbox", 5);
}

/*
 * list-select-opts. "RECURSIVEMATCH ... MUST NOT be used by itself or with
 * REMOTE alone": there must be something that children can match.
 */
static const char *
read_select(struct imapd_list_args *l, const struct imapd_arg *list)
{
	const struct imapd_arg *a = list + 1;
	unsigned bit;
	size_t n;

	for (n = list->len; n > 0; n--, a = imapd_arg_next(a)) {
		if ((bit = option_find(select_options, a)) == 0)
			return "unknown selection option";
		l->select |= bit;
	}
	if ((l->select & IMAPD_L_RECURSIVE) &&
	    !(l->select & (IMAPD_L_SUBSCRIBED | IMAPD_L_USE)))
		return "RECURSIVEMATCH of what";
	return NULL;
}

/* "RETURN" SP "(" [return-option *(SP return-option)] ")" */
static const char *
read_return(struct imapd_list_args *l, const struct imapd_arg *a)
{
	const struct imapd_arg *list = imapd_arg_next(a);
	unsigned bit;
	size_t n;

	if (!imapd_arg_is(a, "RETURN") || list->type != IMAPD_LIST)
		return "bad arguments";
	n = list->len;
	for (a = list + 1; n > 0; n--, a = imapd_arg_next(a)) {
		if ((bit = option_find(return_options, a)) == 0)
			return "unknown return option";
		l->back |= bit;
		if (bit != IMAPD_L_STATUS)
			continue;
		/* status-option = "STATUS" SP "(" status-att ... ")" */
		if (--n == 0)
			return "STATUS of what";
		a = imapd_arg_next(a);
		if (imapd_status_items(a, &l->status) == -1)
			return "bad list of STATUS items";
	}
	return NULL;
}

static void
pattern_add(struct imapd_list_args *l, const struct imapd_arg *ref,
    const struct imapd_arg *pat)
{
	struct buf *b = &l->patterns[l->n];

	if (imapd_pattern_read(ref, pat, b) == 0 && pat->len > 0)
		l->n++;
	else
		buf_clear(b);
}

/* mbox-or-pat = list-mailbox / "(" list-mailbox *(SP list-mailbox) ")" */
static const char *
read_patterns(struct imapd_list_args *l, const struct imapd_arg *ref,
    const struct imapd_arg *pat)
{
	size_t n = pat->type == IMAPD_LIST ? pat->len : 1;

	if (n == 0 || !imapd_arg_is_string(ref))
		return "names are expected";
	if (n > IMAPD_LIST_PATTERNS_MAX)
		return "too many patterns";
	l->patterns = mem_zalloc(n, sizeof(*l->patterns));
	if (pat->type == IMAPD_LIST) {
		l->extended = 1;
		pat++;
	}
	l->delimiter = !l->extended && pat->len == 0;
	for (; n > 0; n--, pat = imapd_arg_next(pat)) {
		if (!imapd_arg_is_string(pat))
			return "names are expected";
		pattern_add(l, ref, pat);
	}
	return NULL;
}

int
imapd_list_args_read(struct imapd_list_args *l, const struct imapd_arg *a,
    size_t n, const char **why)
{
	const struct imapd_arg *pat;

	memset(l, 0, sizeof(*l));
	*why = NULL;
	if (a->type == IMAPD_LIST) {
		l->extended = 1;
		*why = read_select(l, a);
		a = imapd_arg_next(a);
		n--;
	}
	if (n != 2 && n != 4)
		*why = "wrong number of arguments";
	if (*why != NULL)
		return -1;
	pat = imapd_arg_next(a);
	if (n == 4) {
		l->extended = 1;
		*why = read_return(l, imapd_arg_next(pat));
	}
	if (*why == NULL)
		*why = read_patterns(l, a, pat);
	/* "SUBSCRIBED as a selection option implies the return option." */
	l->back |= l->select & IMAPD_L_SUBSCRIBED;
	return *why == NULL ? 0 : -1;
}

void
imapd_list_args_clear(struct imapd_list_args *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		buf_clear(&l->patterns[i]);
	free(l->patterns);
	memset(l, 0, sizeof(*l));
}

int
imapd_list_args_match(const struct imapd_list_args *l, const char *name,
    size_t len)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (imapd_pattern_name(&l->patterns[i], name, len))
			return 1;
	return 0;
}
