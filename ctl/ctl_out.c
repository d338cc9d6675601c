#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl_heading.h"
#include "ctl/ctl_out.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

void
out_init(struct out *o, FILE *f, int json)
{
	memset(o, 0, sizeof(*o));
	o->f = f;
	o->json = json;
	if (json)
		fputc('[', f);
}

void
out_clean(struct buf *b)
{
	struct buf plain = BUF_INIT(0);

	out_plain(&plain, buf_str(b), b->len);
	buf_set(b, "%s", buf_str(&plain));
	buf_clear(&plain);
}

void
out_json_string(struct buf *b, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	const unsigned char *end = p + len;
	size_t n;

	buf_putc(b, '"');
	for (; p < end; p += n) {
		n = str_utf8((const char *)p, (size_t)(end - p));
		if (n == 0) {
			buf_puts(b, "\\ufffd");
			n = 1;
		} else if (*p == '"' || *p == '\\') {
			buf_printf(b, "\\%c", *p);
		} else if (*p < 0x20 || *p == 0x7f) {
			buf_printf(b, "\\u%04x", *p);
		} else {
			buf_append(b, p, n);
		}
	}
	buf_putc(b, '"');
}

size_t
out_plain(struct buf *b, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	const unsigned char *end = p + len;
	size_t n, width = 0;

	for (; p < end; p += n) {
		n = str_utf8((const char *)p, (size_t)(end - p));
		/* C1 controls (U+0080..9F) steer terminals too. */
		if (n == 0 || *p < 0x20 || *p == 0x7f ||
		    (n == 2 && p[0] == 0xc2 && p[1] < 0xa0)) {
			n = n == 0 ? 1 : n;
			buf_printf(b, "\\x%02x", n == 2 ? p[1] : p[0]);
			width += 4;
		} else {
			buf_append(b, p, n);
			width++;
		}
	}
	return width;
}

/* The columns that a text of ours takes: its characters. */
static size_t
columns(const char *text)
{
	size_t len = strlen(text), n, width = 0;

	for (; len > 0; text += n, len -= n, width++)
		if ((n = str_utf8(text, len)) == 0)
			n = 1;
	return width;
}

void
out_name(struct out *o, const char *name, size_t len)
{
	char *copy;

	if (o->n_names == OUT_COLUMNS)
		return;
	copy = mem_strndup(name, len);
	o->has_words[o->n_names] = heading_has_words(copy);
	o->width[o->n_names] = columns(heading_name(copy));
	o->names[o->n_names++] = copy;
}

static size_t
digits(const char *p, size_t len)
{
	size_t n;

	for (n = 0; n < len && p[n] >= '0' && p[n] <= '9'; n++)
		;
	return n;
}

/* A JSON number without sign and exponent: no leading zero. */
static int
is_number(const char *p, size_t len)
{
	size_t n = len > 24 ? 0 : digits(p, len);

	if (n == 0 || n > 20 || (p[0] == '0' && n > 1))
		return 0;
	return n == len || (p[n] == '.' && n + 1 < len &&
	    digits(p + n + 1, len - n - 1) == len - n - 1);
}

static void
json_texts(struct buf *b, const char *p, size_t len)
{
	struct cursor c;
	size_t n, i;

	cursor_init(&c, p, len);
	buf_putc(b, '[');
	for (i = 0; cursor_left(&c) > 0 &&
	    (p = cursor_lv(&c, &n, CTL_ROW_MAX)) != NULL; i++) {
		if (i > 0)
			buf_puts(b, ", ");
		out_json_string(b, p, n);
	}
	buf_putc(b, ']');
}

void
out_json_value(struct buf *b, enum c_value type, const char *p, size_t len)
{
	if (type == C_NULL)
		buf_puts(b, "null");
	else if (type == C_BOOL)
		buf_puts(b, len == 4 && memcmp(p, "true", 4) == 0 ? "true" :
		    "false");
	else if (type == C_TEXTS)
		json_texts(b, p, len);
	else if (type != C_TEXT && is_number(p, len))
		buf_append(b, p, len);
	else
		out_json_string(b, p, len);
}

static void
json_name(struct out *o)
{
	struct buf b = BUF_INIT(0);

	if (o->column == 0)
		fputs(o->rows > 0 ? ",\n {" : "\n {", o->f);
	else
		fputs(", ", o->f);
	out_json_string(&b, o->names[o->column], strlen(o->names[o->column]));
	buf_puts(&b, ": ");
	fputs(buf_str(&b), o->f);
	buf_clear(&b);
}

static void
json_value(struct out *o, enum c_value type, const char *p, size_t len)
{
	struct buf b = BUF_INIT(0);

	json_name(o);
	out_json_value(&b, type, p, len);
	fputs(buf_str(&b), o->f);
	buf_clear(&b);
}

static void
print_cell(struct out *o, size_t column, const char *text, size_t width)
{
	size_t pad = o->width[column] > OUT_WIDE ? OUT_WIDE :
	    o->width[column];

	fputs(text, o->f);
	if (column + 1 == o->n_names)
		fputc('\n', o->f);
	else
		fprintf(o->f, "%*s  ", width < pad ? (int)(pad - width) : 0,
		    "");
}

/* In English the names, in capitals; in another language its words. */
static void
print_header(struct out *o)
{
	char name[64];
	const char *words;
	size_t i, k;

	for (i = 0; i < o->n_names; i++) {
		words = heading_name(o->names[i]);
		if (strcmp(words, o->names[i]) != 0) {
			print_cell(o, i, words, columns(words));
			continue;
		}
		snprintf(name, sizeof(name), "%s", words);
		for (k = 0; name[k] != '\0'; k++) {
			if (name[k] >= 'a' && name[k] <= 'z')
				name[k] = (char)(name[k] - 0x20);
		}
		print_cell(o, i, name, strlen(name));
	}
}

/* Prints what was held back, now that the widths are known. */
static void
release(struct out *o)
{
	struct buf text = BUF_INIT(0);
	size_t i, n = o->rows * o->n_names, width;

	if (o->flowing)
		return;
	o->flowing = 1;
	if (n > 0)
		print_header(o);
	for (i = 0; i < n; i++) {
		buf_reset(&text);
		width = out_plain(&text, buf_str(&o->held[i]),
		    o->held[i].len);
		print_cell(o, i % o->n_names, buf_str(&text), width);
		buf_clear(&o->held[i]);
	}
	free(o->held);
	o->held = NULL;
	buf_clear(&text);
}

/* A length of time by its largest whole unit: 59s, 3m, 47h, 12d. */
static void
span_text(uint64_t s, char *out, size_t size)
{
	if (s < 60)
		snprintf(out, size, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(out, size, "%" PRIu64 "m", s / 60);
	else if (s < 48 * 3600)
		snprintf(out, size, "%" PRIu64 "h", s / 3600);
	else
		snprintf(out, size, "%" PRIu64 "d", s / 86400);
}

/* What people read in place of a number of seconds; else NULL. */
static const char *
time_text(enum c_value type, const char *p, size_t len, char out[32])
{
	struct tm tm;
	uint64_t v;
	time_t t;

	if ((type != C_TIME && type != C_SPAN) || !is_number(p, len))
		return NULL;
	snprintf(out, 32, "%.*s", (int)len, p);
	v = strtoull(out, NULL, 10);
	t = (time_t)v;
	if (type == C_SPAN)
		span_text(v, out, 32);
	else if (localtime_r(&t, &tm) == NULL ||
	    strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		return NULL;
	return out;
}

/* A list as people read it. */
static void
joined(struct buf *b, const char *p, size_t len)
{
	struct cursor c;
	size_t n;

	cursor_init(&c, p, len);
	while (cursor_left(&c) > 0 &&
	    (p = cursor_lv(&c, &n, CTL_ROW_MAX)) != NULL) {
		if (b->len > 0)
			buf_puts(b, ", ");
		buf_append(b, p, n);
	}
}

static void
table_value(struct out *o, enum c_value type, const char *p, size_t len)
{
	struct buf text = BUF_INIT(0), list = BUF_INIT(0), said = BUF_INIT(0);
	struct buf *h;
	char seconds[32];
	const char *shown = time_text(type, p, len, seconds);
	size_t width;

	if (type == C_NULL)
		shown = "-";
	else if (type == C_BOOL)
		shown = len == 4 ? _("yes") : _("no");
	else if (type == C_TEXTS) {
		joined(&list, p, len);
		shown = buf_str(&list);
	} else if (type == C_TEXT && o->has_words[o->column]) {
		buf_append(&said, p, len);
		heading_value(o->names[o->column], buf_str(&said), &list);
		shown = buf_str(&list);
	}
	if (shown != NULL) {
		p = shown;
		len = strlen(p);
	}
	width = out_plain(&text, p, len);
	if (o->flowing) {
		print_cell(o, o->column, buf_str(&text), width);
	} else {
		if (o->held == NULL)
			o->held = mem_zalloc(OUT_HOLD * o->n_names,
			    sizeof(*o->held));
		h = &o->held[o->rows * o->n_names + o->column];
		buf_append(h, p, len);
		if (width > o->width[o->column])
			o->width[o->column] = width;
	}
	buf_clear(&said);
	buf_clear(&list);
	buf_clear(&text);
}

/* The value is there: the last one ends the row. */
static void
step(struct out *o)
{
	if (++o->column < o->n_names)
		return;
	o->column = 0;
	o->rows++;
	if (o->json)
		fputc('}', o->f);
	else if (!o->flowing && o->rows == OUT_HOLD)
		release(o);
}

void
out_value(struct out *o, enum c_value type, const char *p, size_t len)
{
	if (o->n_names == 0)
		return;
	if (o->json)
		json_value(o, type, p, len);
	else
		table_value(o, type, p, len);
	step(o);
}

void
out_json(struct out *o, const char *json)
{
	if (o->n_names == 0)
		return;
	json_name(o);
	fputs(json, o->f);
	step(o);
}

void
out_text(struct out *o, const char *s)
{
	out_value(o, C_TEXT, s, strlen(s));
}

void
out_texts(struct out *o, const struct buf *packed)
{
	out_value(o, C_TEXTS, packed->data, packed->len);
}

void
out_number(struct out *o, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	out_value(o, C_NUMBER, text, strlen(text));
}

void
out_bool(struct out *o, int v)
{
	out_value(o, C_BOOL, v ? "true" : "false", v ? 4 : 5);
}

void
out_null(struct out *o)
{
	out_value(o, C_NULL, "", 0);
}

int
out_end(struct out *o)
{
	size_t i;

	if (o->json)
		fputs(o->rows > 0 ? "\n]\n" : "]\n", o->f);
	else
		release(o);
	for (i = 0; i < o->n_names; i++)
		free(o->names[i]);
	o->n_names = 0;
	return fflush(o->f) == 0 && !ferror(o->f) ? 0 : -1;
}
