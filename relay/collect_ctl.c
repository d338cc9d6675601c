/* The operator's questions: run/collect.ctl. */
#include <string.h>

#include "lib/base/clock.h"
#include "relay/collect.h"

static struct control control;

static void
put_row(struct answer *r, const struct account *a)
{
	const struct collect_account *k = &a->conf;
	int64_t now = clock_mono_ms();
	const char *whose;
	int64_t interval = account_interval(a, &whose);

	answer_text(r, k->name);
	answer_text(r, k->kind == CL_POP3 ? "pop3" : "imap");
	answer_text(r, k->host);
	answer_text(r, k->owner);
	answer_text(r, a->run == NULL ? "waits" : a->run->idle ? "idle" :
	    "runs");
	answer_text(r, status_name(a->status));
	answer_text(r, a->words != NULL ? a->words : "");
	if (a->ok != 0)
		answer_time(r, (uint64_t)a->ok);
	else
		answer_text(r, NULL);
	if (a->troubled != 0)
		answer_time(r, (uint64_t)a->troubled);
	else
		answer_text(r, NULL);
	answer_span(r, a->run != NULL || a->due <= now ? 0 :
	    (uint64_t)(a->due - now) / 1000);
	answer_text(r, whose);
	answer_number(r, a->fetched);
	answer_number(r, a->left);
	answer_number(r, journal_count(collect.journal, a->book));
	answer_span(r, (uint64_t)interval);
	answer_bool(r, account_overdue(a, now));
	(void)answer_row(r, "account protocol host owner state result words "
	    "last_success failing_since next limit fetched left known interval "
	    "overdue", -1);
}

static void
list(struct control_client *c)
{
	struct account *a;

	TAILQ_FOREACH(a, &collect.accounts, in_list)
		if (!a->gone)
			put_row(&c->answer, a);
	control_end(c, C_OK, "");
}

static void
status(struct control_client *c)
{
	struct answer *r = &c->answer;
	struct account *a;
	unsigned n = 0, troubled = 0;

	TAILQ_FOREACH(a, &collect.accounts, in_list) {
		n += !a->gone;
		troubled += !a->gone && a->failures > 0;
	}
	answer_text(r, "accounts");
	answer_number(r, n);
	(void)answer_row(r, "name value", -1);
	answer_text(r, "accounts_in_trouble");
	answer_number(r, troubled);
	(void)answer_row(r, "name value", -1);
	answer_text(r, "workers");
	answer_number(r, run_count(1));
	(void)answer_row(r, "name value", -1);
	control_end(c, C_OK, "");
}

static struct account *
named(struct control_client *c, const struct msg *m)
{
	struct account *a;
	const char *p;
	size_t len;

	p = msg_get(m, CF_USER, &len);
	a = len > 0 ? account_find(p, len) : NULL;
	if (a == NULL || a->gone) {
		control_end(c, C_REFUSED, "no such account, or it is off");
		return NULL;
	}
	return a;
}

static void
run_now(struct control_client *c, const struct msg *m)
{
	struct account *a;
	size_t len;

	(void)msg_get(m, CF_USER, &len);
	TAILQ_FOREACH(a, &collect.accounts, in_list)
		if (len == 0)
			a->due = clock_mono_ms();
	if (len > 0) {
		if ((a = named(c, m)) == NULL)
			return;
		a->due = clock_mono_ms();
	}
	control_end(c, C_OK, "");
}

/* A run that fetches nothing, as soon as it can be. */
static void
test(struct control_client *c, const struct msg *m)
{
	struct account *a = named(c, m);

	if (a == NULL)
		return;
	if (a->asker != NULL) {
		control_end(c, C_BUSY, "it is being tested already");
		return;
	}
	a->asker = c;
	a->due = 0;
	if (a->run != NULL)
		run_stop(a->run);
}

static void
tested(struct account *a)
{
	struct control_client *c = a->asker;

	a->asker = NULL;
	a->tested = 0;
	if (a->gone) {
		control_end(c, C_REFUSED, "the account was removed");
		account_release(a);
		return;
	}
	put_row(&c->answer, a);
	control_end(c, a->status == CL_OK ? C_OK : C_REFUSED,
	    a->words != NULL ? a->words : "");
}

void
ctl_turn(void)
{
	struct account *a, *next;

	for (a = TAILQ_FIRST(&collect.accounts); a != NULL; a = next) {
		next = TAILQ_NEXT(a, in_list);
		if (a->tested)
			tested(a);
	}
}

static void
command(struct control_client *c, struct msg *m)
{
	switch (m->type) {
	case C_LIST:
		list(c);
		break;
	case C_STATUS:
		status(c);
		break;
	case C_RETRY:
		run_now(c, m);
		break;
	case C_CHECK:
		test(c, m);
		break;
	default:
		control_end(c, C_REFUSED, "collect does not know that");
	}
}

static const struct control_kind kind = {
	.size = sizeof(struct control_client),
	.command = command,
};

void
ctl_listen(int fd)
{
	if (control.kind == NULL)
		control_init(&control, collect.loop, &kind);
	control_listen(&control, fd);
}

void
ctl_close(void)
{
	if (control.kind != NULL)
		control_close(&control);
}
