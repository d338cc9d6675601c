#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ctl/ctl_pam.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/mail/proto.h"
#include "lib/server/host_user.h"
#include "lib/server/settings.h"

struct pam_conf {
	char	*group, *domain;
	uint64_t workers;
};

static const struct settings_key keys[] = {
	SETTINGS_KEY_PAM_WORKERS(struct pam_conf, workers),
	SETTINGS_KEY_PAM_GROUP(struct pam_conf, group),
	SETTINGS_KEY_PAM_DOMAIN(struct pam_conf, domain),
	SETTINGS_END
};

struct set_pam {
	struct pam_conf conf;
	char	**user;		/* the members that are people */
	size_t	 n;
	struct buf left_out;	/* why others are not, a line each */
};

static void
leave_out(struct set_pam *p, const struct buf *why)
{
	if (p->left_out.len > 0)
		buf_putc(&p->left_out, '\n');
	buf_printf(&p->left_out, "pam_group: %s", buf_str(why));
}

static int
add_member(struct set_pam *p, const char *name, size_t len, struct buf *why)
{
	struct buf words = BUF_INIT(0);
	char *user = mem_strndup(name, len);
	enum host_answer a = HOST_NO;

	if (len > PAM_USER_MAX)
		buf_set(&words, _("%s: the name is too long"), user);
	else
		a = host_person(user, &words);
	if (a == HOST_YES) {
		p->user = mem_realloc(p->user, p->n + 1, sizeof(*p->user));
		p->user[p->n++] = user;
	} else {
		if (a == HOST_LATER)
			buf_set(why, "%s", buf_str(&words));
		else
			leave_out(p, &words);
		free(user);
	}
	buf_clear(&words);
	return a == HOST_LATER ? -1 : 0;
}

static int
load_members(struct set_pam *p, struct buf *why)
{
	struct buf members = BUF_INIT(HOST_NSS_MAX);
	struct cursor c;
	const char *name;
	size_t len;
	int r = 0;

	if (host_members(p->conf.group, &members, why) != HOST_YES)
		r = -1;
	cursor_init(&c, members.data, members.len);
	while (r == 0 && cursor_left(&c) > 0) {
		name = cursor_lv(&c, &len, HOST_NSS_MAX);
		if (p->n == PAM_MEMBERS_MAX) {
			buf_set(why, _("pam_group: more than %d members"),
			    PAM_MEMBERS_MAX);
			r = -1;
		} else {
			r = add_member(p, name, len, why);
		}
	}
	buf_clear(&members);
	return r;
}

int
pam_load(struct set *s, const char *dir, struct buf *why)
{
	struct set_pam *p = mem_zalloc(1, sizeof(*p));
	int r;

	pam_clear(s);
	s->pam = p;
	r = settings_load(dir, keys, &p->conf, why);
	if (r == 0 && p->conf.workers == 0) {
		pam_clear(s);
		return 0;
	}
	if (r == 0)
		r = load_members(p, why);
	if (r == -1)
		pam_clear(s);
	return r;
}

void
pam_clear(struct set *s)
{
	struct set_pam *p = s->pam;

	if (p == NULL)
		return;
	while (p->n > 0)
		free(p->user[--p->n]);
	free(p->user);
	free(p->conf.group);
	free(p->conf.domain);
	buf_clear(&p->left_out);
	free(p);
	s->pam = NULL;
}

/* NULL: there is none, with why where one is named. */
static const char *
find_domain(const struct set *s, struct buf *why)
{
	const char *named = s->pam->conf.domain;
	const struct row *r;
	size_t i = 0;

	while ((r = text_next(&s->t[TEXT_DOMAINS], &i)) != NULL)
		if (r->value == NULL && (*named == '\0' ||
		    strcasecmp(named, r->key) == 0))
			return r->key;
	if (*named != '\0')
		buf_printf(why, _("pam_domain: %s is no domain of its own in "
		    "domains"), named);
	return NULL;
}

/* A warning of its own line. */
static void
say(struct buf *warn, const char *user, const struct buf *words)
{
	if (warn->len > 0)
		buf_putc(warn, '\n');
	buf_printf(warn, "pam_group: %s: %s", user, buf_str(words));
}

static void
mark_one(struct set *s, const char *user, const char *domain,
    struct buf *warn)
{
	struct buf line = BUF_INIT(0), words = BUF_INIT(0);
	struct row *r = NULL;

	buf_printf(&line, "%s@%s", user, domain);
	if (text_derive(&s->t[TEXT_USERS], buf_str(&line), &r, &words) == 0) {
		if (r->pam != NULL) {
			buf_set(&words, _("%s is the mailbox of %s already"),
			    r->key, r->pam);
		} else {
			r->pam = mem_strdup(user);
			if (!pam_judges(s, r))
				buf_set(&words, _("%s has a password in "
				    "passwd: PAM is not asked"), r->key);
		}
	}
	if (words.len > 0)
		say(warn, user, &words);
	buf_clear(&line);
	buf_clear(&words);
}

int
pam_mark(struct set *s, struct buf *why, struct buf *warn)
{
	const char *domain;
	struct row *r;
	size_t i = 0, faults = why->len;

	text_underive(&s->t[TEXT_USERS]);
	while ((r = text_next(&s->t[TEXT_USERS], &i)) != NULL) {
		free(r->pam);
		r->pam = NULL;
	}
	if (s->pam == NULL)
		return 0;
	domain = find_domain(s, why);
	if (domain == NULL)
		return why->len > faults ? -1 : 0;
	if (s->pam->left_out.len > 0)
		buf_printf(warn, "%s%s", warn->len > 0 ? "\n" : "",
		    buf_str(&s->pam->left_out));
	for (i = 0; i < s->pam->n; i++)
		mark_one(s, s->pam->user[i], domain, warn);
	return 0;
}

int
pam_judges(const struct set *s, const struct row *user)
{
	const struct row *own;

	if (user->pam == NULL)
		return 0;
	own = text_find(&s->t[TEXT_PASSWD], user->key);
	return own == NULL || own->hash == NULL;
}

int
pam_may_del(const struct set *s, const struct row *user, struct buf *why)
{
	if (user == NULL || user->pam == NULL)
		return 0;
	buf_set(why, _("%s is the mailbox of the host's user %s: take that user "
	    "out of the group %s, then rohrpost apply"), user->key, user->pam,
	    s->pam->conf.group);
	return -1;
}
