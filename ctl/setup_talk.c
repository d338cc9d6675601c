#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ctl/ctl_ask.h"
#include "ctl/setup_kept.h"
#include "ctl/setup_talk.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

enum { ASK_LINE = 1024 };

const char *
talk_kept(const struct talk *t, const char *key)
{
	return t->all_kept ? NULL : answers_get(&t->kept, key);
}

static const char *
proposal(const struct talk *t, const char *key, const char *def)
{
	const char *p = t->all_kept ? answers_get(&t->kept, key) : NULL;

	if (p == NULL)
		p = answers_get(&t->now, key);
	return p != NULL ? p : def;
}

/* The answer, or the proposal for an empty one. 0, or -1 with why: no more. */
static int
ask(const struct talk_question *q, const char *def, struct buf *out,
    struct buf *why)
{
	struct buf line = BUF_INIT(ASK_LINE);
	int r, more;

	do {
		fprintf(stderr, "%s%s%s%s: ", _(q->words), *def ? " [" : "",
		    def, *def ? "]" : "");
		r = ctl_line(&line);
		buf_truncate(&line, strcspn(buf_str(&line), "\r"));
		more = r == 1 && strcmp(buf_str(&line), "?") == 0;
		if (r == -1)
			fprintf(stderr, _("  an answer has at most %d "
			    "octets\n"), ASK_LINE);
		if (more)
			fprintf(stderr, "  %s\n", _(q->more));
	} while (r == -1 || more ||
	    (r == 1 && line.len == 0 && *def == '\0'));
	buf_reset(out);
	buf_puts(out, line.len > 0 ? buf_str(&line) : def);
	if (r == 0)
		buf_set(why, _("no answer"));
	buf_clear(&line);
	return r == 1 ? 0 : -1;
}

/* Again until the answer is good, or one that is in doubt was said twice. */
static int
ask_judged(struct talk *t, const struct talk_question *q, const char *def,
    struct buf *out)
{
	struct buf fault = BUF_INIT(0), last = BUF_INIT(0);
	enum judged j = JUDGED_BAD;
	int r;

	while ((r = ask(q, def, out, t->why)) == 0) {
		buf_reset(&fault);
		j = q->judge(&t->before, buf_str(out), &fault);
		if (j == JUDGED_GOOD || (j == JUDGED_DOUBT && last.len > 0 &&
		    strcmp(buf_str(&last), buf_str(out)) == 0))
			break;
		fprintf(stderr, j == JUDGED_DOUBT ? _("  %s (the same answer "
		    "once more keeps it)\n") : "  %s\n", buf_str(&fault));
		buf_set(&last, "%s", j == JUDGED_DOUBT ? buf_str(out) : "");
	}
	buf_clear(&fault);
	buf_clear(&last);
	return r;
}

int
talk_set(struct talk *t, const char *key, const char *value)
{
	answers_set(t->as, key, value);
	return kept_save(t->as, t->before.dir, 0, t->why);
}

/* An answer of before that is still good. */
static int
is_kept(struct talk *t, const struct talk_question *q, struct buf *out)
{
	const char *kept = talk_kept(t, q->key);
	struct buf fault = BUF_INIT(0);
	int good = kept != NULL &&
	    q->judge(&t->before, kept, &fault) != JUDGED_BAD;

	if (good) {
		fprintf(stderr, "%s: %s\n", _(q->words), kept);
		buf_puts(out, kept);
	}
	buf_clear(&fault);
	return good;
}

int
talk_ask(struct talk *t, const struct talk_question *q, const char *def)
{
	struct buf out = BUF_INIT(0);
	int r = 0;

	if (!is_kept(t, q, &out)) {
		if (q->plain != NULL)
			fprintf(stderr, "\n%s\n", _(q->plain));
		r = ask_judged(t, q, proposal(t, q->key, def), &out);
	}
	if (r == 0)
		r = talk_set(t, q->key, buf_str(&out));
	buf_clear(&out);
	return r;
}

int
talk_password(struct talk *t, const char *plain, const char *who, int again,
    struct buf *out)
{
	struct buf fault = BUF_INIT(0);
	int r;

	fprintf(stderr, "\n%s\n", plain);
	for (;;) {
		buf_reset(&fault);
		buf_wipe(out);
		r = again ? ctl_password(0, who, out, &fault) :
		    ctl_password_once(who, out, &fault);
		if (r == 0 && judge_password(&t->before, buf_str(out),
		    &fault) == JUDGED_GOOD)
			break;
		if (r == -1 && (feof(stdin) || ctl_caught())) {
			buf_set(t->why, "%s", buf_str(&fault));
			break;
		}
		fprintf(stderr, _("  the password: %s\n"), buf_str(&fault));
	}
	buf_clear(&fault);
	return r;
}
