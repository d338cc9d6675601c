/*
 * session ...: who is logged in, and the end of it; master knows.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "ctl/cmd_session.h"
#include "ctl/commands.h"
#include "ctl/ctl_control.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_util.h"
#include "lib/base/fd.h"
#include "lib/base/words.h"
#include "lib/mail/credential.h"
#include "lib/mail/limits.h"

enum { ANSWER_MS = 10 * 1000 };

int
cmd_session_list(struct ctl *c)
{
	struct ctl_control q = { .who = PEER_MASTER, .type = C_LIST,
		.timeout_ms = ANSWER_MS, .quiet = 1 };

	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	return control_list(c, &q);
}

int
cmd_session_kick(struct ctl *c)
{
	struct ctl_control q = { .who = PEER_MASTER, .type = C_KICK,
		.timeout_ms = ANSWER_MS };
	struct buf name = BUF_INIT(ADDRESS_MAX), why = BUF_INIT(0);
	const char *what = c->args[0];
	int r = 0;

	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	if (strspn(what, "0123456789") == strlen(what) &&
	    strlen(what) <= QUEUE_ID_LEN)
		q.id = what;
	else {
		r = name_address(what, strlen(what), NAME_ACCOUNT, &name,
		    &why);
		q.user = buf_str(&name);
	}
	r = r == -1 ? ctl_say(CTL_REFUSED, &why) : control_call(c, &q);
	buf_clear(&name);
	buf_clear(&why);
	return r;
}

struct map *
sessions_before(const struct ctl *c)
{
	struct buf path = BUF_INIT(0), why = BUF_INIT(0);
	struct map *m;

	buf_printf(&path, "%s/auth/passwd.cdb", c->state_dir);
	m = map_cdb_open(buf_str(&path), 1, &why);
	if (m == NULL)
		ctl_fail(0, _("%s: open sessions go on, whatever was changed "
		    "by hand"), buf_str(&why));
	buf_clear(&path);
	buf_clear(&why);
	return m;
}

/* Whether that password is among those of the text. */
static int
has_password(const struct credential *c, const char *p, const char *end)
{
	struct credential other;
	int r;

	while ((r = credential_next(&p, end, &other)) != 0)
		if (r == 1 && other.kind == c->kind && other.len == c->len &&
		    memcmp(other.value, c->value, c->len) == 0)
			return 1;
	return 0;
}

/*
 * Whether one that let in before does so no more. SCRAM keys stand beside the
 * hash of the same password, and may be added or removed.
 */
static int
lost_password(const char *p, const char *end, const char *new,
    const char *new_end)
{
	struct credential c;
	int r, crypt = 0, lost = 0, scram = 0;

	while ((r = credential_next(&p, end, &c)) != 0) {
		if (r == -1 || c.kind == CREDENTIAL_OTHER ||
		    c.kind == CREDENTIAL_PROTOCOLS)
			continue;
		crypt |= c.kind == CREDENTIAL_CRYPT;
		if (has_password(&c, new, new_end))
			continue;
		if (c.kind == CREDENTIAL_SCRAM)
			scram = 1;
		else
			lost = 1;
	}
	return lost || (scram && !crypt);
}

/* Whether a protocol that it could log in by is one no more. */
static int
lost_protocol(const char *p, size_t len, const char *new, size_t new_len)
{
	return (credential_protocols(p, len) &
	    ~credential_protocols(new, new_len)) != 0;
}

/* The accounts whose sessions end: the one that the command is about, and those
   of the old file that lost a password against the new one. */
struct changed {
	struct map *now;
	const char *account;	/* in names already; "": none */
	struct buf names;	/* lv */
	size_t	 n;
};

static void
add_name(struct changed *ch, const char *name, size_t len)
{
	buf_put_lv(&ch->names, name, len);
	ch->n++;
}

static int
note_changed(const char *key, size_t klen, const char *value, size_t vlen,
    void *arg)
{
	struct changed *ch = arg;
	const char *now = NULL;
	size_t len = 0;

	/* The record of the format is no account. */
	if (memchr(key, '@', klen) == NULL)
		return 0;
	if (map_find(ch->now, key, klen, &now, &len) == MAP_ERROR)
		return -1;
	if (now == NULL)
		now = "";
	if ((lost_password(value, value + vlen, now, now + len) ||
	    lost_protocol(value, vlen, now, len)) &&
	    (klen != strlen(ch->account) ||
	    memcmp(key, ch->account, klen) != 0))
		add_name(ch, key, klen);
	return 0;
}

static int
sessions_end(struct ctl *c, const char *user)
{
	struct ctl_control q = { .who = PEER_MASTER, .type = C_KICK,
		.timeout_ms = ANSWER_MS, .user = user, .quiet = 1 };

	return control_call(c, &q);
}

/* Where nothing runs nobody is logged in. */
static int
master_runs(struct ctl *c)
{
	int fd = control_connect(c->state_dir, PEER_MASTER);
	int r = fd != -1 || (errno != ENOENT && errno != ECONNREFUSED);

	fd_close(&fd);
	return r;
}

/* The exit status; one line for all where it fails. */
static int
end_all(struct ctl *c, const struct changed *ch)
{
	int r = CTL_DONE;
	struct buf user = BUF_INIT(ADDRESS_MAX);
	struct cursor cur;
	const char *p;
	size_t len, done = 0;

	if (!master_runs(c))
		return CTL_DONE;
	cursor_init(&cur, ch->names.data, ch->names.len);
	for (; done < ch->n && r == CTL_DONE; done++) {
		p = cursor_lv(&cur, &len, ADDRESS_MAX);
		buf_reset(&user);
		buf_append(&user, p, p != NULL ? len : 0);
		r = sessions_end(c, buf_str(&user));
	}
	if (r != CTL_DONE)
		r = ctl_fail(CTL_LATER, ngettext("%s (%zu account): it is "
		    "written, but open sessions may go on; \"rohrpost session "
		    "kick\" ends them", "%s (%zu accounts): it is written, but "
		    "open sessions may go on; \"rohrpost session kick\" ends "
		    "them", ch->n - done + 1), buf_str(&user),
		    ch->n - done + 1);
	buf_clear(&user);
	return r;
}

/* Whom the edit takes a password. 0, or -1. */
static int
find_changed(struct ctl *c, struct map *before, struct changed *ch)
{
	int r;

	if (before == NULL)
		return 0;
	if (!map_present(before)) {
		if (master_runs(c))
			ctl_fail(0, _("auth/passwd.cdb: not there: open "
			    "sessions go on, whatever was changed by hand"));
		return 0;
	}
	if ((ch->now = sessions_before(c)) == NULL)
		return 0;
	r = map_walk(before, note_changed, ch);
	map_free(&ch->now);
	return r;
}

int
sessions_after(struct ctl *c, struct map **before, const char *account)
{
	struct changed ch = { .account = account, .names = BUF_INIT(0) };
	int r = CTL_DONE, found;

	if (account[0] != '\0')
		add_name(&ch, account, strlen(account));
	found = find_changed(c, *before, &ch);
	if (ch.n > 0)
		r = end_all(c, &ch);
	if (found == -1)
		r = ctl_fail(CTL_LATER, _("it is written, but open sessions "
		    "may go on: the tables of before cannot be read"));
	map_free(before);
	buf_clear(&ch.names);
	return r;
}
