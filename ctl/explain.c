#include "config.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_name.h"
#include "ctl/explain.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/header.h"
#include "lib/mail/mark.h"

enum { PEOPLE_MIN = 1000 };

void
explain_say(struct explain *x, const char *step, const char *subject,
    enum explain_result result, const char *reply, const char *fmt, ...)
{
	struct buf b = BUF_INIT(4000);
	struct explain_row *r;
	va_list ap;

	if (x->n == EXPLAIN_ROWS_MAX)
		return;
	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	x->rows = mem_realloc(x->rows, x->n + 1, sizeof(*x->rows));
	r = &x->rows[x->n++];
	r->step = step;
	r->subject = mem_strdup(subject);
	r->result = result;
	r->reply = reply;
	r->reason = mem_strdup(buf_str(&b));
	buf_clear(&b);
}

void
explain_clear(struct explain *x)
{
	while (x->n > 0) {
		free(x->rows[--x->n].subject);
		free(x->rows[x->n].reason);
	}
	free(x->rows);
	while (x->n_elsewhere > 0)
		free(x->elsewhere[--x->n_elsewhere]);
	free(x->elsewhere);
	buf_clear(&x->head);
	tables_free(&x->tables);
}

void
explain_sender(struct explain *x)
{
	const struct address *a = &x->from;

	if (a->len == 0)
		explain_say(x, "sender", "<>", EXPLAIN_PASS, NULL,
		    _("a report: nobody is told where it fails"));
	else if (a->at == a->len)
		explain_say(x, "sender", a->text, EXPLAIN_REFUSE,
		    REPLY_BARE,
		    _("it has no domain"));
	else
		explain_say(x, "sender", a->text, EXPLAIN_PASS, NULL,
		    _("other servers may use any sender"));
}

static void	follow(struct explain *x, const char *address, unsigned depth);

static void
say_later(struct explain *x, const char *address)
{
	explain_say(x, "recipient", address, EXPLAIN_LATER,
	    REPLY_TABLES,
	    _("the compiled tables cannot be read: rohrpost apply"));
}

/* A mailbox gets one copy, and so does an address elsewhere. */
static int
has_copy(struct explain *x, const char *step, const char *subject)
{
	size_t i;

	for (i = 0; i < x->n; i++)
		if (strcmp(x->rows[i].step, step) == 0 &&
		    strcmp(x->rows[i].subject, subject) == 0) {
			explain_say(x, step, subject, EXPLAIN_PASS, NULL,
			    _("it has its copy already"));
			return 1;
		}
	return 0;
}

/* Than its quota, or its domain's. 1, 0, or -1: try later. */
static int
is_larger(struct explain *x, const char *name)
{
	struct tables_user u;
	struct tables_sum s;

	if (tables_user(x->tables, name, &u) != LOOKUP_FOUND ||
	    tables_sum(x->tables, strrchr(name, '@') + 1, &s) != LOOKUP_FOUND)
		return -1;
	return (u.quota_size != 0 && x->size > u.quota_size) ||
	    (s.size != 0 && x->size > s.size);
}

/* The account's own bounds. Behind an alias nobody is refused: mail waits. */
static void
to_mailbox(struct explain *x, const char *address, const char *name,
    unsigned depth)
{
	enum lookup full = tables_full(x->tables, name);
	int larger = is_larger(x, name);
	struct tables_user u;

	if (has_copy(x, "mailbox", name))
		return;
	if (full == LOOKUP_ERROR || larger == -1 ||
	    tables_user(x->tables, name, &u) != LOOKUP_FOUND) {
		say_later(x, address);
		return;
	}
	if (full == LOOKUP_FOUND)
		explain_say(x, "mailbox", name, EXPLAIN_LATER, depth == 0 ?
		    REPLY_FULL : NULL,
		    _("it is full: mail waits until there is room"));
	else if (larger)
		explain_say(x, "mailbox", name, EXPLAIN_REFUSE, depth == 0 ?
		    REPLY_QUOTA : NULL,
		    _("the message is larger than its quota"));
	else
		explain_say(x, "mailbox", name, EXPLAIN_PASS, NULL,
		    (u.flags & TABLES_DISABLED) != 0 ?
		    _("delivered to INBOX; nobody can log in, the account is "
		    "disabled") : _("delivered to INBOX"));
}

static void
to_alias(struct explain *x, const char *address, const struct buf *list,
    const struct buf *owner, unsigned depth)
{
	struct buf names = BUF_INIT(2000);
	char one[ADDRESS_MAX + 1];
	struct cursor c;
	const char *p;
	size_t len;

	cursor_init(&c, buf_str(list), list->len);
	while ((p = cursor_lv(&c, &len, ADDRESS_MAX)) != NULL)
		buf_printf(&names, "%s%.*s", names.len > 0 ? ", " : "",
		    (int)len, p);
	if (owner->len > 0 && x->from.len > 0)
		explain_say(x, "alias", address, EXPLAIN_PASS, NULL,
		    _("a mailing list; it leads to %s; %s is the sender from "
		    "here on and gets what bounces"), buf_str(&names),
		    buf_str(owner));
	else
		explain_say(x, "alias", address, EXPLAIN_PASS, NULL,
		    _("an alias; it leads to %s"), buf_str(&names));
	buf_clear(&names);
	x->path[depth] = address;
	cursor_init(&c, buf_str(list), list->len);
	while ((p = cursor_lv(&c, &len, ADDRESS_MAX)) != NULL) {
		memcpy(one, p, len);
		one[len] = '\0';
		follow(x, one, depth + 1);
	}
}

/* A report to a system user that sent what it is about is postmaster's. */
static int
is_system_user(const struct explain *x, const char *address)
{
	const char *at = strrchr(address, '@');
	struct passwd *pw = NULL;
	char *name;

	if (at == NULL || x->from.len > 0 ||
	    str_casecmp(at + 1, x->h->name) != 0)
		return 0;
	name = mem_strndup(address, (size_t)(at - address));
	pw = getpwnam(name);
	free(name);
	return pw != NULL && (pw->pw_uid == 0 || pw->pw_uid >= PEOPLE_MIN);
}

static void
to_nobody(struct explain *x, const char *address, unsigned depth)
{
	if (depth == 0 && is_system_user(x, address))
		explain_say(x, "recipient", address, EXPLAIN_PASS, NULL,
		    _("a user of this machine without a mailbox: the report "
		    "goes to postmaster"));
	else if (depth == 0)
		explain_say(x, "recipient", address, EXPLAIN_REFUSE,
		    REPLY_NOBODY,
		    _("the domain is ours, but it has no such account or "
		    "alias"));
	else
		explain_say(x, "recipient", address, EXPLAIN_REFUSE, NULL,
		    _("the alias leads to an address of ours that does not "
		    "exist"));
}

/* Only who has logged in sends to others; an alias may lead there. */
static void
to_others(struct explain *x, const char *address, unsigned depth)
{
	if (depth == 0) {
		explain_say(x, "recipient", address, EXPLAIN_REFUSE,
		    REPLY_RELAYING,
		    _("the domain is not ours: only who has logged in may "
		    "send there"));
		return;
	}
	if (has_copy(x, "elsewhere", address))
		return;
	x->elsewhere = mem_realloc(x->elsewhere, x->n_elsewhere + 1,
	    sizeof(*x->elsewhere));
	x->elsewhere[x->n_elsewhere++] = mem_strdup(address);
	explain_say(x, "elsewhere", address, EXPLAIN_PASS, NULL,
	    _("it goes on to another server"));
}

static int
is_on_path(const struct explain *x, const char *address, unsigned depth)
{
	unsigned i;

	for (i = 0; i < depth; i++)
		if (str_casecmp(x->path[i], address) == 0)
			return 1;
	return 0;
}

static void
follow(struct explain *x, const char *address, unsigned depth)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), list = BUF_INIT(0),
	    owner = BUF_INIT(ADDRESS_MAX);

	if (depth > ALIAS_DEPTH || is_on_path(x, address, depth)) {
		explain_say(x, "alias", address, EXPLAIN_PASS, NULL,
		    depth > ALIAS_DEPTH ? _("too many aliases in a row: this "
		    "way ends here") :
		    _("an alias that leads back to itself: this way ends "
		    "here"));
		return;
	}
	switch (x->n == EXPLAIN_ROWS_MAX ? TABLES_ERROR :
	    tables_list(x->tables, address, &name, &list, &owner)) {
	case TABLES_USER:
		to_mailbox(x, address, buf_str(&name), depth);
		break;
	case TABLES_ALIAS:
		to_alias(x, address, &list, &owner, depth);
		break;
	case TABLES_ABSENT:
		to_nobody(x, address, depth);
		break;
	case TABLES_REMOTE:
		to_others(x, address, depth);
		break;
	default:
		say_later(x, address);
		break;
	}
	buf_clear(&name);
	buf_clear(&list);
	buf_clear(&owner);
}

void
explain_recipient(struct explain *x)
{
	struct buf domain = BUF_INIT(DOMAIN_MAX);
	const struct address *a = &x->to;

	if (a->at < a->len && !a->literal && tables_domain(x->tables,
	    a->text + a->at + 1, &domain) == LOOKUP_FOUND &&
	    strcmp(buf_str(&domain), a->text + a->at + 1) != 0)
		explain_say(x, "domain", a->text + a->at + 1, EXPLAIN_PASS,
		    NULL, _("it stands for %s"), buf_str(&domain));
	buf_clear(&domain);
	follow(x, a->text, 0);
}

/* Was it delivered to that recipient by this host before? */
static int
was_here(const struct explain *x)
{
	struct buf value = BUF_INIT(ADDRESS_MAX);
	struct header_field f;
	struct header h;
	struct mark m;
	int found = 0;

	mark_init(&m, x->h->name);
	header_init(&h, buf_str(&x->head), x->head.len);
	while (!found && header_next(&h, &f))
		found = mark_field(&m, &f, &value) &&
		    str_casecmp(buf_str(&value), x->to.text) == 0;
	buf_clear(&value);
	return found;
}

void
explain_message(struct explain *x)
{
	const char *max = dns_host_value(x->h, "message_size");
	struct header_counts c;
	uint64_t most = 0;

	if (x->file == NULL)
		return;
	(void)!name_size(max, strlen(max), &most);
	header_count(buf_str(&x->head), x->head.len, &c);
	if (x->size > most)
		explain_say(x, "message", x->file, EXPLAIN_REFUSE,
		    REPLY_SIZE,
		    _("larger than message_size (%s)"), max);
	else if (c.fields > HEADER_COUNT_MAX || c.len > HEADER_BLOCK_MAX)
		explain_say(x, "message", x->file, EXPLAIN_REFUSE,
		    REPLY_HEADER,
		    _("its header has too many fields, or is too long"));
	else if (c.received > HOPS_MAX)
		explain_say(x, "message", x->file, EXPLAIN_REFUSE,
		    REPLY_HOPS,
		    _("it came by too many servers: a mail loop"));
	else if (was_here(x))
		explain_say(x, "message", x->file, EXPLAIN_REFUSE,
		    REPLY_LOOP,
		    _("this server delivered it to that address before: a "
		    "mail loop"));
	else
		explain_say(x, "message", x->file, EXPLAIN_PASS, NULL,
		    _("its size and its header are taken"));
}
