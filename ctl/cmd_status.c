/*
 * status: master's rows, and what troubles a program, which is the DNS today:
 * for people lines below the table, with how to mend it and, by queue, how many
 * messages wait; with --json further keys of the program's row.
 */
#include "config.h"

#include <string.h>
#include <time.h>

#include "ctl/cmd_config.h"
#include "ctl/cmd_profile.h"
#include "ctl/commands.h"
#include "ctl/ctl_control.h"
#include "ctl/ctl_util.h"
#include "ctl/doctor.h"
#include "ctl/status_rows.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

enum {
	ANSWER_MS = 60 * 1000,
	QUEUE_MS = 10 * 1000,
};

/* The columns from this one on are for --json, and the lines below. */
static const char trouble[] = "trouble";
enum { T_NAME, T_SINCE, T_SERVER, T_WORDS, T_COUNT };

struct status {
	struct buf rows;	/* as ctl_control has them */
	struct status_accounts accounts;
	size_t	 plain;		/* columns before trouble */
	size_t	 n;		/* columns */
	size_t	 program;	/* that column */
	int	 known;		/* waiting is */
	uint64_t waiting;
	struct out out;
};

/* Room on the disk: what doctor would say, without the network. */
static void
warn_disk(struct ctl *c)
{
	struct findings l = { .n = 0 };
	struct buf words = BUF_INIT(2000);
	size_t i;

	doctor_disk(c->state_dir, c->hostname, &l);
	for (i = 0; i < l.n; i++) {
		buf_set(&words, "%s %s", l.f[i].finding,
		    l.f[i].consequence != NULL ? l.f[i].consequence : "");
		if (l.f[i].consequence != NULL)
			ctl_warn(&words);
	}
	findings_clear(&l);
	buf_clear(&words);
}

/* Puts the names out; those of trouble where they are asked for. */
static void
read_names(struct status *s, struct cursor *rows, int json)
{
	struct cursor names;
	struct value v;
	const char *p;
	size_t len;

	p = cursor_lv(rows, &len, CTL_NAMES_MAX);
	if (p == NULL)
		return;
	cursor_init(&names, p, len);
	s->plain = STATUS_VALUES;
	for (; cursor_left(&names) > 0 && s->n < STATUS_VALUES; s->n++) {
		v.p = cursor_lv(&names, &v.len, CTL_NAMES_MAX);
		if (v.p == NULL)
			break;
		if (status_is(&v, trouble))
			s->plain = s->n;
		if (status_is(&v, "program"))
			s->program = s->n;
		if (json || s->n < s->plain)
			out_name(&s->out, v.p, v.len);
	}
	if (json)
		out_name(&s->out, "trouble_waiting", 15);
	if (json)
		out_name(&s->out, "accounts", 8);
}

static int
is_troubled(const struct status *s, const struct value *v, size_t n)
{
	return n >= s->plain + T_COUNT && v[s->plain + T_NAME].p != NULL;
}

/* Of the program that has the accounts at providers; its name is the first. */
static int
is_collect(const struct status *s, const struct value *v, size_t n)
{
	return n > s->program && status_is(&v[s->program], "collect");
}

/* One row; what a server of another version does not say is absent. */
static void
print_row(struct status *s, const struct value *v, size_t n, int json)
{
	size_t i;

	for (i = 0; i < s->n && (json || i < s->plain); i++)
		if (i < n && v[i].p != NULL)
			out_value(&s->out, v[i].type, v[i].p, v[i].len);
		else
			out_null(&s->out);
	if (!json)
		return;
	if (is_troubled(s, v, n) && s->known)
		out_number(&s->out, s->waiting);
	else
		out_null(&s->out);
	if (is_collect(s, v, n) && s->accounts.known)
		status_accounts_json(&s->accounts, &s->out);
	else
		out_null(&s->out);
}

/* How many messages wait for the DNS, as queue counts. */
static void
ask_queue(struct ctl *c, struct status *s)
{
	struct buf rows = BUF_INIT(STATUS_ROWS_MAX);
	struct ctl_control q = { .who = PEER_QUEUE, .type = C_STATUS,
		.timeout_ms = QUEUE_MS, .quiet = 1, .whole = &rows };
	struct value v[STATUS_VALUES];
	struct cursor cur;
	size_t len;

	if (control_call(c, &q) == CTL_DONE) {
		cursor_init(&cur, rows.data, rows.len);
		(void)cursor_lv(&cur, &len, CTL_NAMES_MAX);
		while (cursor_left(&cur) > 0 && status_row(&cur, v) >= 2)
			if (status_is(&v[0], "lookups"))
				s->known = str_number(v[1].p, v[1].len,
				    UINT64_MAX, &s->waiting) == 0;
	}
	buf_clear(&rows);
}

static const char *
how_to_mend(const struct value *name)
{
	static const struct {
		const char *name, *words;
	} t[] = {
		{ "silent", N_("Look at the network and at that server, or "
		    "name another one with \"resolver\".") },
		{ "fails", N_("Look at the network and at that server, or "
		    "name another one with \"resolver\".") },
		{ "no-edns", N_("Name a server that knows EDNS (RFC 6891) "
		    "with \"resolver\", or set \"resolver = root\".") },
		{ "cut", N_("Let it answer by TCP (port 53), name another "
		    "server with \"resolver\", or set \"resolver = root\".") },
		{ "unsigned", N_("Name a server that passes DNSSEC on with "
		    "\"resolver\", or set \"resolver = root\".") },
		{ "lies", N_("Name another server with \"resolver\", or set "
		    "\"resolver = root\".") },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (status_is(name, t[i].name))
			return _(t[i].words);
	return _("The log tells more.");
}

/* What resolve says, which reads what strangers send. */
static void
put_plain(struct buf *b, const struct value *v)
{
	if (v->p != NULL)
		out_plain(b, v->p, v->len);
}

static void
print_trouble(const struct status *s, const struct value *v)
{
	struct buf server = BUF_INIT(0), words = BUF_INIT(0);
	char since[40] = "?";
	uint64_t when;
	struct tm tm;
	time_t t;

	if (v[T_SINCE].p != NULL && str_number(v[T_SINCE].p, v[T_SINCE].len,
	    INT32_MAX, &when) == 0) {
		t = (time_t)when;
		if (localtime_r(&t, &tm) != NULL)
			strftime(since, sizeof(since), "%Y-%m-%d %H:%M:%S",
			    &tm);
	}
	fputc('\n', stdout);
	put_plain(&server, &v[T_SERVER]);
	put_plain(&words, &v[T_WORDS]);
	printf(_("DNS since %s: %s %s\n"), since, buf_str(&server),
	    buf_str(&words));
	buf_clear(&server);
	buf_clear(&words);
	if (s->known)
		printf(_("Messages that wait for it: %llu\n"),
		    (unsigned long long)s->waiting);
	printf("%s\n", how_to_mend(&v[T_NAME]));
}

/* troubles: the lines of those alone. */
static void
print_rows(struct status *s, struct cursor rows, int json, int troubles)
{
	struct value v[STATUS_VALUES];
	size_t n;

	while (cursor_left(&rows) > 0 && (n = status_row(&rows, v)) > 0)
		if (!troubles)
			print_row(s, v, n, json);
		else if (is_troubled(s, v, n))
			print_trouble(s, v + s->plain);
}

static int
has_row(const struct status *s, struct cursor rows, int (*is)(
    const struct status *s, const struct value *v, size_t n))
{
	struct value v[STATUS_VALUES];
	size_t n;

	while (cursor_left(&rows) > 0 && (n = status_row(&rows, v)) > 0)
		if (is(s, v, n))
			return 1;
	return 0;
}

int
cmd_status(struct ctl *c)
{
	struct status s = { .rows = BUF_INIT(STATUS_ROWS_MAX),
		.accounts = STATUS_ACCOUNTS_INIT };
	struct ctl_control q = { .who = PEER_MASTER, .type = C_STATUS,
		.timeout_ms = ANSWER_MS, .quiet = 1, .whole = &s.rows };
	struct cursor rows;
	int r;

	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	config_warn(c);
	warn_disk(c);
	profile_warn(c);
	out_init(&s.out, stdout, c->json);
	r = control_call(c, &q);
	cursor_init(&rows, s.rows.data, s.rows.len);
	read_names(&s, &rows, c->json);
	if (has_row(&s, rows, is_troubled))
		ask_queue(c, &s);
	if (has_row(&s, rows, is_collect))
		status_accounts_ask(c, &s.accounts);
	print_rows(&s, rows, c->json, 0);
	if (out_end(&s.out) == -1 && r == CTL_DONE)
		r = CTL_REFUSED;
	if (!c->json)
		print_rows(&s, rows, 0, 1);
	if (!c->json)
		status_accounts_print(&s.accounts);
	if (status_accounts_warn(&s.accounts) && r == CTL_DONE)
		r = CTL_REFUSED;
	status_accounts_clear(&s.accounts);
	buf_clear(&s.rows);
	/* That it does not run is the answer, not an obstacle. */
	return r == CTL_LATER ? CTL_REFUSED : r;
}
