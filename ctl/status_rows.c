#include "config.h"

#include <string.h>
#include <time.h>

#include "ctl/ctl_control.h"
#include "ctl/ctl_util.h"
#include "ctl/status_rows.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

enum { ACCOUNTS_MS = 10 * 1000 };

/* What people are shown of an account, in this order. */
static const char *const shown[] = {
	"account", "state", "result", "last_success", "next", "interval",
	"limit", "overdue", "words",
};
enum { SHOWN = sizeof(shown) / sizeof(shown[0]) };

size_t
status_row(struct cursor *rows, struct value v[STATUS_VALUES])
{
	struct cursor row;
	const char *p;
	size_t len, n;

	p = cursor_lv(rows, &len, CTL_ROW_MAX);
	if (p == NULL)
		return 0;
	cursor_init(&row, p, len);
	for (n = 0; n < STATUS_VALUES && cursor_left(&row) > 0; n++) {
		v[n].type = (enum c_value)cursor_u8(&row);
		v[n].p = cursor_lv(&row, &v[n].len, CTL_ROW_MAX);
		if (v[n].type == C_NULL)
			v[n].p = NULL;
	}
	return n;
}

int
status_is(const struct value *v, const char *text)
{
	return v->p != NULL && v->len == strlen(text) &&
	    memcmp(v->p, text, v->len) == 0;
}

void
status_accounts_ask(struct ctl *c, struct status_accounts *s)
{
	struct ctl_control q = { .who = PEER_COLLECT, .type = C_LIST,
		.timeout_ms = ACCOUNTS_MS, .quiet = 1, .whole = &s->rows };

	s->known = control_call(c, &q) == CTL_DONE;
}

void
status_accounts_clear(struct status_accounts *s)
{
	buf_clear(&s->rows);
}

/* The names of the columns; the cursor is behind them then. */
static size_t
read_names(const struct status_accounts *s, struct cursor *rows,
    struct value names[STATUS_VALUES])
{
	struct cursor c;
	const char *p;
	size_t len, n;

	cursor_init(rows, s->rows.data, s->rows.len);
	if (!s->known || cursor_left(rows) == 0 ||
	    (p = cursor_lv(rows, &len, CTL_NAMES_MAX)) == NULL)
		return 0;
	cursor_init(&c, p, len);
	for (n = 0; n < STATUS_VALUES && cursor_left(&c) > 0; n++) {
		names[n].p = cursor_lv(&c, &names[n].len, CTL_NAMES_MAX);
		if (names[n].p == NULL)
			break;
	}
	return n;
}

/* That column of the row; NULL: it has none. */
static const struct value *
column(const struct value *names, const struct value *v, size_t n,
    const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (status_is(&names[i], name))
			return v[i].p != NULL ? &v[i] : NULL;
	return NULL;
}

/* The next row, no longer than the names: how many values. */
static size_t
next_row(struct cursor *rows, struct value v[STATUS_VALUES], size_t names)
{
	size_t n = cursor_left(rows) > 0 ? status_row(rows, v) : 0;

	return n < names ? n : names;
}

void
status_accounts_json(const struct status_accounts *s, struct out *o)
{
	struct value names[STATUS_VALUES], v[STATUS_VALUES];
	struct buf b = BUF_INIT(0);
	struct cursor rows;
	size_t n, i, k, all = read_names(s, &rows, names);

	buf_putc(&b, '[');
	for (k = 0; all > 0 && (n = next_row(&rows, v, all)) > 0; k++) {
		buf_puts(&b, k > 0 ? ",\n  {" : "\n  {");
		for (i = 0; i < n; i++) {
			if (i > 0)
				buf_puts(&b, ", ");
			out_json_string(&b, names[i].p, names[i].len);
			buf_puts(&b, ": ");
			out_json_value(&b, v[i].type, v[i].p, v[i].len);
		}
		buf_putc(&b, '}');
	}
	buf_putc(&b, ']');
	out_json(o, buf_str(&b));
	buf_clear(&b);
}

void
status_accounts_print(const struct status_accounts *s)
{
	struct value names[STATUS_VALUES], v[STATUS_VALUES];
	const struct value *cell;
	struct cursor rows;
	struct out o;
	size_t n, i, all = read_names(s, &rows, names);

	if (all == 0)
		return;
	fputc('\n', stdout);
	out_init(&o, stdout, 0);
	for (i = 0; i < SHOWN; i++)
		out_name(&o, shown[i], strlen(shown[i]));
	while ((n = next_row(&rows, v, all)) > 0)
		for (i = 0; i < SHOWN; i++) {
			cell = column(names, v, n, shown[i]);
			if (cell != NULL)
				out_value(&o, cell->type, cell->p, cell->len);
			else
				out_null(&o);
		}
	(void)out_end(&o);
}

/* The moment as people read it; "": there is none. */
static void
put_time(struct buf *b, const struct value *v)
{
	char text[40];
	uint64_t when;
	struct tm tm;
	time_t t;

	if (v == NULL || str_number(v->p, v->len, INT32_MAX, &when) == -1)
		return;
	t = (time_t)when;
	if (localtime_r(&t, &tm) != NULL &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) > 0)
		buf_puts(b, text);
}

static void
put_text(struct buf *b, const struct value *v)
{
	if (v != NULL)
		out_plain(b, v->p, v->len);
}

static void
warn_one(const struct value *names, const struct value *v, size_t n)
{
	struct buf name = BUF_INIT(0), since = BUF_INIT(0);
	struct buf words = BUF_INIT(0), text = BUF_INIT(0);

	put_text(&name, column(names, v, n, "account"));
	put_text(&words, column(names, v, n, "words"));
	put_time(&since, column(names, v, n, "last_success"));
	if (since.len > 0)
		buf_printf(&text, _("%s: nothing is collected since %s: %s"),
		    buf_str(&name), buf_str(&since), buf_str(&words));
	else
		buf_printf(&text, _("%s: nothing could be collected yet: %s"),
		    buf_str(&name), buf_str(&words));
	ctl_warn(&text);
	buf_clear(&name);
	buf_clear(&since);
	buf_clear(&words);
	buf_clear(&text);
}

size_t
status_accounts_warn(const struct status_accounts *s)
{
	struct value names[STATUS_VALUES], v[STATUS_VALUES];
	const struct value *overdue;
	struct cursor rows;
	size_t n, warned = 0, all = read_names(s, &rows, names);

	while (all > 0 && (n = next_row(&rows, v, all)) > 0) {
		overdue = column(names, v, n, "overdue");
		if (overdue == NULL || !status_is(overdue, "true"))
			continue;
		warn_one(names, v, n);
		warned++;
	}
	return warned;
}
