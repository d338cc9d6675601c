/*
 * selftest ...: what the suite can try out about itself.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/commands.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "ctl/selftest_instance.h"
#include "ctl/selftest_report.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"

enum {
	STEP_MS = 50,
	TRIES = 60 * 1000 / STEP_MS,
	WORDS_MAX = 4000,
};

static const char *const verdicts[] = {
	[VERDICT_HELD] = "held",
	[VERDICT_MAY] = "may",
	[VERDICT_BROKEN] = "broken",
	[VERDICT_LESS] = "less",
	[VERDICT_ABSENT] = "absent",
	[VERDICT_UNTRIED] = "untried",
};

/* Until what(report) holds. 0, or -1 (said). */
static int
until(struct selftest *s, struct selftest_report *r,
    int (*what)(const struct selftest_report *))
{
	struct buf words = BUF_INIT(WORDS_MAX);
	int i, ended = 0;

	for (i = 0; i < TRIES && !ended; i++) {
		if (report_read(s->report, r) == -1)
			return ctl_fail(-1, _("selftest: the report makes no "
			    "sense"));
		if (what(r))
			return 0;
		ended = selftest_wait(s, STEP_MS);
	}
	report_missing(r, &words);
	ctl_fail(-1, ended ? _("selftest: master ended: nothing comes of %s") :
	    _("selftest: too slow: nothing comes of %s"), buf_str(&words));
	buf_reset(&words);
	selftest_words(s, &words);
	ctl_say(-1, &words);
	buf_clear(&words);
	return -1;
}

static int
attack(struct selftest_report *r)
{
	static const char begin[] = WALLS_BEGIN "\n";
	struct buf why = BUF_INIT(WORDS_MAX);
	struct selftest s;
	int e = selftest_begin(&s, &why);

	if (e == -1)
		ctl_say(-1, &why);
	else if ((e = until(&s, r, report_all_here)) == 0) {
		if (write(s.report, begin, strlen(begin)) == -1)
			e = ctl_fail(-1, "selftest: %s", strerror(errno));
		else
			e = until(&s, r, report_all_done);
	}
	selftest_end(&s);
	buf_clear(&why);
	return e;
}

/* Not as the table says. */
static int
differs(enum verdict v)
{
	return v != VERDICT_HELD && v != VERDICT_MAY && v != VERDICT_ABSENT;
}

static void
print_row(struct out *o, const struct selftest_report *r, unsigned p,
    unsigned a)
{
	int e = r->error[p][a];

	out_text(o, programs[p].name);
	out_text(o, attempts[a].name);
	out_text(o, o->json ? attempts[a].words : _(attempts[a].words));
	out_text(o, verdicts[report_verdict(r, (enum program_id)p,
	    (enum attempt_id)a)]);
	if (e > 0)
		out_text(o, strerror(e));
	else
		out_null(o);
}

/* People see what was reached, and what differs. */
static unsigned
print(const struct ctl *c, const struct selftest_report *r)
{
	static const char *const names[] = { "program", "attempt", "words",
		"verdict", "error" };
	unsigned p, a, n = 0;
	enum verdict v;
	struct out o;

	out_init(&o, stdout, c->json);
	for (a = 0; a < sizeof(names) / sizeof(names[0]); a++)
		out_name(&o, names[a], strlen(names[a]));
	for (p = 0; p < PROGRAM_COUNT; p++)
		for (a = 0; programs[p].pool != POOL_RESERVED &&
		    a < ATTEMPT_COUNT; a++) {
			v = report_verdict(r, (enum program_id)p,
			    (enum attempt_id)a);
			n += differs(v) != 0;
			if (c->json || v != VERDICT_HELD)
				print_row(&o, r, p, a);
		}
	(void)out_end(&o);
	return n;
}

static void
print_wins(const struct selftest_report *r)
{
	unsigned p, a, reached;

	printf(_("\n%d attempts by each program. A break-in wins:\n"),
	    ATTEMPT_COUNT);
	for (p = 0; p < PROGRAM_COUNT; p++) {
		if (programs[p].pool == POOL_RESERVED)
			continue;
		for (a = reached = 0; a < ATTEMPT_COUNT; a++)
			reached += r->error[p][a] == 0;
		printf(_("%s (%u reached): %s\n"), programs[p].name, reached,
		    _(walls_win((enum program_id)p)));
	}
}

int
cmd_selftest_jail(struct ctl *c)
{
	struct selftest_report *r;
	unsigned n;
	int e;

	if (geteuid() != 0)
		return ctl_fail(CTL_REFUSED, _("selftest jail: only root can "
		    "try it: of another user's suite every program runs as "
		    "that user, without jail and filter"));
	r = mem_zalloc(1, sizeof(*r));
	e = attack(r);
	if (e == 0) {
		n = print(c, r);
		if (!c->json)
			print_wins(r);
		e = n == 0 ? CTL_DONE : ctl_fail(CTL_REFUSED,
		    ngettext("selftest jail: %u result is not as the table "
		    "says", "selftest jail: %u results are not as the table "
		    "says", n), n);
	} else {
		e = CTL_LATER;
	}
	free(r);
	return e;
}
