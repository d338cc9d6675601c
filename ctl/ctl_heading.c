#include "config.h"

#include <stddef.h>
#include <string.h>

#include "ctl/ctl_heading.h"
#include "ctl/ctl_reply.h"
#include "lib/base/words.h"

static const char *const names[] = {
	NC_("column", "admins"), NC_("column", "except"),
	NC_("column", "may_send"),
	NC_("column", "members"),
	NC_("column", "groups"),
	NC_("column", "group"),
	NC_("column", "grants"),
	NC_("column", "account"), NC_("column", "action"),
	NC_("column", "active"), NC_("column", "address"),
	NC_("column", "alias"), NC_("column", "alias_of"), NC_("column", "app"),
	NC_("column", "arrived"), NC_("column", "attempt"),
	NC_("column", "attempts"), NC_("column", "body"),
	NC_("column", "body_offset"), NC_("column", "client"),
	NC_("column", "create"),
	NC_("column", "created"), NC_("column", "default"),
	NC_("column", "disabled"), NC_("column", "domain"),
	NC_("column", "envelope_id"), NC_("column", "error"),
	NC_("column", "failure"), NC_("column", "field"),
	NC_("column", "finding"), NC_("column", "flags"),
	NC_("column", "flags_changed"), NC_("column", "full"),
	NC_("column", "hash"), NC_("column", "help"), NC_("column", "id"),
	NC_("column", "key"), NC_("column", "kind"), NC_("column", "last_used"), NC_("column", "left"),
	NC_("column", "level"), NC_("column", "login"),
	NC_("column", "mailbox"), NC_("column", "mailboxes"),
	NC_("column", "message_id"), NC_("column", "messages"),
	NC_("column", "more"), NC_("column", "name"), NC_("column", "next"),
	NC_("column", "notes"), NC_("column", "notify"),
	NC_("column", "octets"), NC_("column", "orcpt"),
	NC_("column", "origin"), NC_("column", "owner"),
	NC_("column", "passed_over"),
	NC_("column", "percent"), NC_("column", "pid"), NC_("column", "port"),
	NC_("column", "program"),
	NC_("column", "protocol"), NC_("column", "protocols"),
	NC_("column", "quota_count"), NC_("column", "quota_size"),
	NC_("column", "reason"), NC_("column", "recipient"),
	NC_("column", "removed"), NC_("column", "restarts"),
	NC_("column", "result"), NC_("column", "ret"), NC_("column", "seconds"),
	NC_("column", "sender"), NC_("column", "service"),
	NC_("column", "session"), NC_("column", "sessions"),
	NC_("column", "since"), NC_("column", "size"), NC_("column", "state"),
	NC_("column", "subscribed"), NC_("column", "target"),
	NC_("column", "targets"), NC_("column", "text"), NC_("column", "time"),
	NC_("column", "tls"), NC_("column", "uid"), NC_("column", "uidl"),
	NC_("column", "uidnext"), NC_("column", "uidvalidity"),
	NC_("column", "unseen"), NC_("column", "uptime"),
	NC_("column", "user"), NC_("column", "uses"),
	NC_("column", "value"), NC_("column", "verdict"),
	NC_("column", "words"), NC_("column", "host"),
	NC_("column", "owner"), NC_("column", "last_success"),
	NC_("column", "failing_since"), NC_("column", "limit"),
	NC_("column", "reply"), NC_("column", "trick"),
	NC_("column", "fetched"), NC_("column", "known"),
	NC_("column", "interval"), NC_("column", "overdue"),
	NC_("column", "class"),
};

static const struct {
	const char *column, *state;
} states[] = {
	{ "state", NC_("state", "new") },
	{ "state", NC_("state", "deferred") },
	{ "state", NC_("state", "ready") },
	{ "state", NC_("state", "active") },
	{ "state", NC_("state", "held") },
	{ "state", NC_("state", "broken") },
	{ "state", NC_("state", "dropped") },
	{ "state", NC_("state", "aside") },
	{ "state", NC_("state", "starting") },
	{ "state", NC_("state", "running") },
	{ "state", NC_("state", "idle") },
	{ "state", NC_("state", "busy") },
	{ "state", NC_("state", "stopping") },
	{ "state", NC_("state", "down") },
	{ "state", NC_("state", "done") },
	{ "state", NC_("state", "partly") },
	{ "state", NC_("state", "refused") },
	{ "state", NC_("state", "later") },
	{ "state", NC_("state", "on") },
	{ "state", NC_("state", "off") },
	{ "state", NC_("state", "open") },
	{ "state", NC_("state", "refused") },
	{ "state", NC_("state", "silent") },
	{ "result", NC_("result", "waiting") },
	{ "result", NC_("result", "delivered") },
	{ "result", NC_("result", "failed") },
	{ "result", NC_("result", "reported") },
	{ "result", NC_("result", "expanded") },
	{ "state", NC_("state", "waits") },
	{ "state", NC_("state", "runs") },
	{ "result", NC_("result", "new") },
	{ "result", NC_("result", "ok") },
	{ "result", NC_("result", "more") },
	{ "result", NC_("result", "login-refused") },
	{ "result", NC_("result", "in-use") },
	{ "result", NC_("result", "login-delay") },
	{ "result", NC_("result", "server-trouble") },
	{ "result", NC_("result", "server-refuses") },
	{ "result", NC_("result", "unreachable") },
	{ "result", NC_("result", "certificate") },
	{ "result", NC_("result", "lost") },
	{ "result", NC_("result", "protocol") },
	{ "result", NC_("result", "queue") },
	{ "limit", NC_("limit", "account") },
	{ "limit", NC_("limit", "server") },
	{ "limit", NC_("limit", "provider") },
	{ "limit", NC_("limit", "back-off") },
	{ "class", NC_("class", "temporary") },
	{ "class", NC_("class", "policy") },
	{ "class", NC_("class", "reputation") },
	{ "class", NC_("class", "address") },
	{ "kind", NC_("kind", "account") },
	{ "kind", NC_("kind", "domain") },
	{ "verdict", NC_("verdict", "held") },
	{ "verdict", NC_("verdict", "may") },
	{ "verdict", NC_("verdict", "broken") },
	{ "verdict", NC_("verdict", "less") },
	{ "verdict", NC_("verdict", "absent") },
	{ "verdict", NC_("verdict", "untried") },
	{ "verdict", NC_("verdict", "works") },
	{ "verdict", NC_("verdict", "later") },
	{ "verdict", NC_("verdict", "unclear") },
};

const char *
heading_name(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return words_of("column", name);
	return name;
}

static int
is_found(const char *name)
{
	return strcmp(name, "finding") == 0 || strcmp(name, "failure") == 0;
}

int
heading_has_words(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].column, name) == 0)
			return 1;
	return is_found(name);
}

void
heading_value(const char *name, const char *value, struct buf *out)
{
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].column, name) == 0 &&
		    strcmp(states[i].state, value) == 0)
			value = words_of(name, states[i].state);
	if (is_found(name))
		reply_words(value, out);
	else
		buf_puts(out, value);
}
