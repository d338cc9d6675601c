#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_heading.h"
#include "ctl/ctl_record.h"
#include "lib/base/mem.h"

/* What begins an object at each depth, and the array that it stands in. */
static const struct {
	const char *field, *array;
} levels[RECORD_LEVELS] = {
	{ "recipient", "recipients" }, { "target", "targets" },
};

void
record_init(struct record *r, FILE *f, int json)
{
	memset(r, 0, sizeof(*r));
	out_init(&r->out, f, json);
	if (json)
		return;
	out_name(&r->out, "field", 5);
	out_name(&r->out, "value", 5);
}

static int
is(const char *name, size_t len, const char *what)
{
	return len == strlen(what) && memcmp(name, what, len) == 0;
}

/* The array of the object at this depth, which has one even if it is empty. */
static void
end_array(struct record *r)
{
	FILE *f = r->out.f;

	if (r->depth == RECORD_LEVELS || r->ended)
		return;
	r->ended = r->depth == 0;
	if (r->begun[r->depth] == 0)
		fprintf(f, ", \"%s\": [", levels[r->depth].array);
	fputc(']', f);
}

/* Out of the objects that are deeper. */
static void
ascend(struct record *r, unsigned depth)
{
	for (; r->depth > depth; r->depth--) {
		end_array(r);
		fputc('}', r->out.f);
	}
}

static void
begin(struct record *r, unsigned level)
{
	FILE *f = r->out.f;

	ascend(r, level);
	if (r->begun[level]++ == 0)
		fprintf(f, ", \"%s\": [", levels[level].array);
	else
		fputc(',', f);
	fprintf(f, "\n%*s{", (int)(2 * level + 3), "");
	r->depth = level + 1;
	r->begun[r->depth] = 0;
}

static void
json_field(struct record *r, const char *name, size_t name_len,
    enum c_value type, const char *p, size_t len)
{
	struct buf b = BUF_INIT(0);
	unsigned i;

	for (i = 0; i < RECORD_LEVELS; i++)
		if (is(name, name_len, levels[i].field))
			break;
	if (r->fields == 0)
		fputs("\n {", r->out.f);
	if (is(name, name_len, "more")) {
		ascend(r, 0);
		end_array(r);
	}
	if (i < RECORD_LEVELS && i <= r->depth && !r->ended) {
		begin(r, i);
		name = "address";
		name_len = strlen(name);
	} else if (r->fields > 0) {
		fputs(", ", r->out.f);
	}
	out_json_string(&b, name, name_len);
	buf_puts(&b, ": ");
	out_json_value(&b, type, p, len);
	fputs(buf_str(&b), r->out.f);
	buf_clear(&b);
}

/* For people: the field's name and its value in their words. */
static void
table_field(struct record *r, const char *name, size_t name_len,
    enum c_value type, const char *p, size_t len)
{
	struct buf value = BUF_INIT(0), words = BUF_INIT(0);
	char *field = mem_strndup(name, name_len);

	out_text(&r->out, heading_name(field));
	if (type == C_TEXT && heading_has_words(field)) {
		buf_append(&value, p, len);
		heading_value(field, buf_str(&value), &words);
		out_value(&r->out, type, words.data, words.len);
	} else {
		out_value(&r->out, type, p, len);
	}
	buf_clear(&value);
	buf_clear(&words);
	free(field);
}

void
record_field(struct record *r, const char *name, size_t name_len,
    enum c_value type, const char *p, size_t len)
{
	if (r->out.json) {
		json_field(r, name, name_len, type, p, len);
	} else if (type != C_NULL && (type != C_TEXTS || len > 0)) {
		table_field(r, name, name_len, type, p, len);
	}
	r->fields++;
}

int
record_end(struct record *r)
{
	if (r->out.json && r->fields > 0) {
		ascend(r, 0);
		end_array(r);
		fputc('}', r->out.f);
		r->out.rows = 1;
	}
	return out_end(&r->out);
}
