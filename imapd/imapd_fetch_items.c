#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#include "imapd/imapd_fetch_items.h"

static const struct item_word {
	const char *name;
	enum imapd_item_kind kind;
} words[] = {
	{ "UID", IMAPD_UID_ITEM }, { "FLAGS", IMAPD_FLAGS },
	{ "INTERNALDATE", IMAPD_INTERNALDATE },
	{ "RFC822.SIZE", IMAPD_SIZE }, { "ENVELOPE", IMAPD_ENVELOPE },
	{ "BODYSTRUCTURE", IMAPD_STRUCTURE }, { "BODY", IMAPD_BODY },
	{ "MODSEQ", IMAPD_MODSEQ }, { "SAVEDATE", IMAPD_SAVEDATE },
	{ "EMAILID", IMAPD_EMAILID }, { "THREADID", IMAPD_THREADID },
};

/* The forms of RFC 1730 that are other names of sections. */
static const struct item_old {
	const char *name;
	enum imapd_section section;
	int	 peek;
} olds[] = {
	{ "RFC822", IMAPD_S_ALL, 0 },
	{ "RFC822.HEADER", IMAPD_S_HEADER, 1 },
	{ "RFC822.TEXT", IMAPD_S_TEXT, 0 },
};

static const struct {
	const char *name;
	int	 n;			/* how many of the words follow */
} macros[] = {
	{ "FAST", 3 }, { "ALL", 4 }, { "FULL", 5 },
};
static const struct item_word macro_words[] = {
	{ "FLAGS", IMAPD_FLAGS }, { "INTERNALDATE", IMAPD_INTERNALDATE },
	{ "RFC822.SIZE", IMAPD_SIZE }, { "ENVELOPE", IMAPD_ENVELOPE },
	{ "BODY", IMAPD_BODY },
};

static struct imapd_item *
item_add(struct imapd_items *items, enum imapd_item_kind kind)
{
	struct imapd_item *it;

	items->item = mem_realloc(items->item, items->n + 1,
	    sizeof(*items->item));
	it = &items->item[items->n++];
	memset(it, 0, sizeof(*it));
	it->kind = kind;
	items->flags |= kind == IMAPD_FLAGS;
	items->modseq |= kind == IMAPD_MODSEQ;
	items->uid |= kind == IMAPD_UID_ITEM;
	items->cache |= kind >= IMAPD_ENVELOPE && kind <= IMAPD_STRUCTURE;
	items->ids |= kind == IMAPD_EMAILID;
	items->file |= kind == IMAPD_SECTION;
	return it;
}

/* Clients read an answer the easier for a UID before its literals. */
static void
item_first(struct imapd_items *items)
{
	struct imapd_item last = items->item[items->n - 1];

	memmove(items->item + 1, items->item,
	    (items->n - 1) * sizeof(*items->item));
	items->item[0] = last;
}

void
imapd_items_add(struct imapd_items *items, enum imapd_item_kind kind,
    const char *label)
{
	size_t i;

	for (i = 0; i < items->n; i++)
		if (items->item[i].kind == kind)
			return;
	item_add(items, kind)->label = mem_strdup(label);
	if (kind == IMAPD_UID_ITEM && items->n > 1)
		item_first(items);
}

void
imapd_items_clear(struct imapd_items *items)
{
	size_t i;

	for (i = 0; i < items->n; i++) {
		free(items->item[i].numbers);
		free(items->item[i].label);
		buf_clear(&items->item[i].fields);
		free(items->item[i].sorted);
	}
	free(items->item);
	memset(items, 0, sizeof(*items));
}

enum { IMAPD_LABEL_MAX = 64 * 1024 };

struct item_text {
	const char *p, *end;
};

static int
text_take(struct item_text *t, const char *s)
{
	size_t n = strlen(s);

	if ((size_t)(t->end - t->p) < n || str_ncasecmp(t->p, s, n) != 0)
		return 0;
	t->p += n;
	return 1;
}

static int
text_number(struct item_text *t, uint32_t *r)
{
	const char *p = t->p;
	uint64_t v;

	while (t->p < t->end && *t->p >= '0' && *t->p <= '9')
		t->p++;
	if (str_number(p, (size_t)(t->p - p), UINT32_MAX, &v) == -1)
		return -1;
	*r = (uint32_t)v;
	return 0;
}

/* section-part = nz-number *("." nz-number), and a "." before what follows */
static int
parse_numbers(struct item_text *t, struct imapd_item *it)
{
	uint32_t v;

	while (t->p < t->end && *t->p >= '0' && *t->p <= '9') {
		if (*t->p == '0' || text_number(t, &v) == -1)
			return -1;
		if (it->n_numbers < IMAPD_SECTION_MAX) {
			it->numbers = mem_realloc(it->numbers,
			    it->n_numbers + 1, sizeof(*it->numbers));
			it->numbers[it->n_numbers++] = v;
		}
		if (t->p < t->end && *t->p == ']')
			return 0;
		if (t->p == t->end || *t->p++ != '.')
			return -1;
		if (t->p == t->end || *t->p == ']')
			return -1;
	}
	return 0;
}

/* field-name = 1*ftext; ftext = %d33-57 / %d59-126 (RFC 5322 3.6.8) */
static int
is_field_name(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] <= ' ' || p[i] > '~' || p[i] == ':')
			return 0;
	return len > 0;
}

static int
field_cmp(const void *a, const void *b)
{
	const struct imapd_field *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return str_ncasecmp(x->p, y->p, x->len);
}

int
imapd_item_field(const struct imapd_item *it, const char *p, size_t len)
{
	struct imapd_field name = { p, len };

	return it->n_sorted > 0 && bsearch(&name, it->sorted, it->n_sorted,
	    sizeof(name), field_cmp) != NULL;
}

/* Header blocks have many fields, and clients ask for many. */
static void
sort_fields(struct imapd_item *it, size_t n)
{
	struct imapd_field *f;
	struct cursor c;

	it->sorted = mem_alloc(n * sizeof(*it->sorted));
	it->n_sorted = n;
	cursor_init(&c, it->fields.data, it->fields.len);
	for (f = it->sorted; f < it->sorted + n; f++)
		f->p = cursor_lv(&c, &f->len, SIZE_MAX);
	qsort(it->sorted, n, sizeof(*f), field_cmp);
}

/* header-list = "(" header-fld-name *(SP header-fld-name) ")" */
static int
parse_fields(struct item_text *t, struct imapd_item *it)
{
	struct imapd_args args = { 0 };
	const struct imapd_arg *a;
	const char *why;
	size_t i, n;
	char *copy;
	int r = -1;

	/* Up to the "]": one argument, a list of strings. */
	n = (size_t)(t->end - t->p);
	while (n > 0 && t->p[n - 1] != ']')
		n--;
	if (n < 2)
		return -1;
	copy = mem_strndup(t->p, --n);
	t->p += n;
	if (imapd_args_parse(&args, copy, n, &why) == 0 && args.top == 1 &&
	    args.a[0].type == IMAPD_LIST && args.a[0].len > 0 &&
	    args.a[0].len <= IMAPD_FIELDS_MAX) {
		a = args.a + 1;
		r = 0;
		for (i = 0; i < args.a[0].len; i++, a = imapd_arg_next(a)) {
			if (a->type == IMAPD_LIST ||
			    !is_field_name(a->p, a->len)) {
				r = -1;
				break;
			}
			str_tolower(a->p, a->len);
			buf_put_lv(&it->fields, a->p, a->len);
		}
		if (r == 0)
			sort_fields(it, args.a[0].len);
	}
	imapd_args_clear(&args);
	free(copy);
	return r;
}

/* section-text; MIME needs a number before it. */
static int
parse_section(struct item_text *t, struct imapd_item *it)
{
	if (parse_numbers(t, it) == -1)
		return -1;
	it->section = IMAPD_S_ALL;
	if (text_take(t, "HEADER.FIELDS.NOT")) {
		it->section = IMAPD_S_FIELDS_NOT;
		return parse_fields(t, it);
	}
	if (text_take(t, "HEADER.FIELDS")) {
		it->section = IMAPD_S_FIELDS;
		return parse_fields(t, it);
	}
	if (text_take(t, "HEADER"))
		it->section = IMAPD_S_HEADER;
	else if (text_take(t, "TEXT"))
		it->section = IMAPD_S_TEXT;
	else if (it->n_numbers > 0 && text_take(t, "MIME"))
		it->section = IMAPD_S_MIME;
	return 0;
}

/* "<" number "." nz-number ">" */
static int
parse_partial(struct item_text *t, struct imapd_item *it)
{
	if (t->p == t->end)
		return 0;
	if (*t->p++ != '<' || text_number(t, &it->off) == -1 ||
	    !text_take(t, ".") || text_number(t, &it->len) == -1 ||
	    it->len == 0 || !text_take(t, ">") || t->p != t->end)
		return -1;
	it->partial = 1;
	return 0;
}

/*
 * header-fld-name = astring: in capitals, and quoted where a character could
 * end it, or the section. It is ftext, so that no literal is needed.
 */
static void
put_field_name(struct buf *b, const char *p, size_t len)
{
	static const char special[] = "(){%*\"\\[]";
	int quote = 0;
	size_t i;

	for (i = 0; i < len; i++)
		quote |= strchr(special, p[i]) != NULL;
	if (quote)
		buf_putc(b, '"');
	for (i = 0; i < len; i++) {
		if (p[i] == '"' || p[i] == '\\')
			buf_putc(b, '\\');
		buf_putc(b, p[i] >= 'a' && p[i] <= 'z' ?
		    (char)(p[i] - 'a' + 'A') : p[i]);
	}
	if (quote)
		buf_putc(b, '"');
}

/*
 * What the answer calls the item: the section as canonical text, and the
 * start of the partial.
 */
static char *
make_label(const struct imapd_item *it)
{
	static const char *const names[] = {
		[IMAPD_S_ALL] = "", [IMAPD_S_HEADER] = "HEADER",
		[IMAPD_S_FIELDS] = "HEADER.FIELDS (",
		[IMAPD_S_FIELDS_NOT] = "HEADER.FIELDS.NOT (",
		[IMAPD_S_TEXT] = "TEXT", [IMAPD_S_MIME] = "MIME",
	};
	struct buf b = BUF_INIT(0);
	struct cursor c;
	const char *p;
	size_t i, len;

	buf_puts(&b, "BODY[");
	for (i = 0; i < it->n_numbers; i++)
		buf_printf(&b, i > 0 ? ".%u" : "%u", it->numbers[i]);
	if (it->n_numbers > 0 && it->section != IMAPD_S_ALL)
		buf_putc(&b, '.');
	buf_puts(&b, names[it->section]);
	cursor_init(&c, it->fields.data, it->fields.len);
	for (i = 0; cursor_left(&c) > 0; i++) {
		p = cursor_lv(&c, &len, IMAPD_LABEL_MAX);
		if (p == NULL)
			break;
		if (i > 0)
			buf_putc(&b, ' ');
		put_field_name(&b, p, len);
	}
	if (it->fields.len > 0)
		buf_putc(&b, ')');
	buf_putc(&b, ']');
	if (it->partial)
		buf_printf(&b, "<%u>", it->off);
	return b.data;
}

/* "BODY" [".PEEK"] section ["<" ... ">"] */
static const char *
parse_body(struct imapd_items *items, const struct imapd_arg *a)
{
	struct item_text t = { a->p, a->p + a->len };
	struct imapd_item *it;
	int peek;

	if (!text_take(&t, "BODY"))
		return "FETCH: unknown item";
	peek = text_take(&t, ".PEEK");
	if (!text_take(&t, "["))
		return "FETCH: unknown item";
	it = item_add(items, IMAPD_SECTION);
	it->peek = peek;
	items->seen |= !peek;
	if (parse_section(&t, it) == -1 || !text_take(&t, "]"))
		return "FETCH: bad section";
	if (parse_partial(&t, it) == -1)
		return "FETCH: bad partial";
	it->label = make_label(it);
	return NULL;
}

static const char *
parse_one(struct imapd_items *items, const struct imapd_arg *a)
{
	struct imapd_item *it;
	size_t i;

	if (a->type != IMAPD_ATOM)
		return "FETCH: an item is expected";
	if (items->n >= IMAPD_ITEMS_MAX)
		return "FETCH: too many items";
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (imapd_arg_is(a, words[i].name)) {
			imapd_items_add(items, words[i].kind, words[i].name);
			return NULL;
		}
	for (i = 0; i < sizeof(olds) / sizeof(olds[0]); i++)
		if (imapd_arg_is(a, olds[i].name)) {
			it = item_add(items, IMAPD_SECTION);
			it->section = olds[i].section;
			it->label = mem_strdup(olds[i].name);
			items->seen |= !olds[i].peek;
			return NULL;
		}
	return parse_body(items, a);
}

const char *
imapd_items_parse(struct imapd_items *items, const struct imapd_arg *a)
{
	const char *why = NULL;
	size_t i, n = 1;
	int k;

	memset(items, 0, sizeof(*items));
	for (i = 0; i < sizeof(macros) / sizeof(macros[0]); i++)
		if (imapd_arg_is(a, macros[i].name)) {
			for (k = 0; k < macros[i].n; k++)
				imapd_items_add(items, macro_words[k].kind,
				    macro_words[k].name);
			return NULL;
		}
	if (a->type == IMAPD_LIST) {
		n = a->len;
		a++;
		if (n == 0)
			return "FETCH: an item is expected";
	}
	for (; n > 0 && why == NULL; n--, a = imapd_arg_next(a))
		why = parse_one(items, a);
	return why;
}
