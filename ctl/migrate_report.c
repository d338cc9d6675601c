#include "config.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "ctl/migrate.h"
#include "lib/base/words.h"

static const char *const states[] = {
	[MG_DONE] = "done", [MG_PART] = "partly", [MG_REFUSED] = "refused",
	[MG_LATER] = "later",
};

/* One line, written over and over. */
void
migrate_show(const struct migrate_plan *p, const char *account,
    const char *mailbox, uint64_t done, uint64_t total)
{
	struct buf b = BUF_INIT(0);
	uint64_t all = 0;
	size_t over = 0, i;

	if (!isatty(STDERR_FILENO))
		return;
	for (i = 0; i < p->n; i++) {
		over += (size_t)(p->user[i].over != 0);
		all += p->user[i].messages;
	}
	buf_printf(&b, "%zu/%zu, %" PRIu64 " + ", over, p->n, all);
	buf_printf(&b, "%" PRIu64 "/%" PRIu64 " %s ", done, total, account);
	(void)out_plain(&b, mailbox, strlen(mailbox));
	fprintf(stderr, "\r%.78s\033[K", buf_str(&b));
	buf_clear(&b);
}

void
migrate_say(const struct migrate_user *u, const char *words)
{
	struct buf b = BUF_INIT(0);

	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	(void)out_plain(&b, words, strlen(words));
	ctl_fail(0, "%s: %s", u->account, buf_str(&b));
	buf_clear(&b);
}

static void
user_row(struct out *o, const struct migrate_user *u)
{
	out_text(o, u->account);
	out_text(o, u->login);
	out_text(o, states[u->status]);
	out_number(o, u->mailboxes);
	out_number(o, u->messages);
	out_number(o, u->octets);
	out_number(o, u->changed);
	out_number(o, u->gone);
	out_number(o, u->left);
	out_number(o, u->ms / 1000);
	if (u->words.len > 0)
		out_text(o, buf_str(&u->words));
	else
		out_null(o);
	/* To people they were said when they came. */
	if (o->json)
		out_texts(o, &u->reasons);
}

int
migrate_report(const struct migrate_plan *p)
{
	static const char *const names[] = { "account", "login", "state",
		"mailboxes", "messages", "octets", "flags_changed", "removed",
		"left", "seconds", "words", "passed_over" };
	const size_t n = sizeof(names) / sizeof(names[0]);
	int status = CTL_DONE;
	struct out o;
	size_t i;

	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	out_init(&o, stdout, p->c->json);
	for (i = 0; i < n - !p->c->json; i++)
		out_name(&o, names[i], strlen(names[i]));
	for (i = 0; i < p->n; i++) {
		user_row(&o, &p->user[i]);
		if (p->user[i].status == MG_LATER)
			status = CTL_LATER;
		else if (p->user[i].status != MG_DONE && status == CTL_DONE)
			status = CTL_REFUSED;
	}
	return out_end(&o) == -1 ? CTL_REFUSED : status;
}
