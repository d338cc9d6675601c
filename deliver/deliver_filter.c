#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "deliver/deliver_action.h"
#include "deliver/deliver_filter.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/header.h"
#include "lib/sieve/sieve.h"

/* The script of the system. */
static struct {
	char	 path[1000];
	struct sieve_script *script;	/* NULL: there is none, or none that
					   can be read */
	ino_t	 inode;
	struct timespec time;
	int	 missing;
} before = { .missing = 1 };

void
filter_open(const char *path)
{
	str_copy(before.path, sizeof(before.path), path);
}

static void
load_before(void)
{
	struct buf text = BUF_INIT(SIEVE_SCRIPT_MAX), why = BUF_INIT(500);
	int fd;

	sieve_free(&before.script);
	fd = open(before.path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || fd_slurp(fd, &text) == -1)
		buf_set(&why, "%s", strerror(errno));
	else
		before.script = sieve_compile(buf_str(&text), text.len, &why);
	if (before.script == NULL)
		log_warn("before.sieve: %s; mail goes without it",
		    buf_str(&why));
	fd_close(&fd);
	buf_clear(&text);
	buf_clear(&why);
}

void
filter_refresh(void)
{
	struct stat st;

	if (before.path[0] == '\0' || stat(before.path, &st) == -1) {
		sieve_free(&before.script);
		before.missing = 1;
		return;
	}
	if (!before.missing && st.st_ino == before.inode &&
	    st.st_mtim.tv_sec == before.time.tv_sec &&
	    st.st_mtim.tv_nsec == before.time.tv_nsec)
		return;
	before.inode = st.st_ino;
	before.time = st.st_mtim;
	before.missing = 0;
	load_before();
}

void
filtered_clear(struct filtered *f)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		free((char *)(uintptr_t)f->action[i].where.mailbox);
		free((char *)(uintptr_t)f->action[i].where.keywords);
		free((char *)(uintptr_t)f->action[i].flags);
	}
	free(f->action);
	buf_clear(&f->redirects);
	memset(f, 0, sizeof(*f));
}

/* One of "\Seen", or a keyword. */
static void
put_flag(struct door_action *w, struct buf *keywords, const char *p,
    size_t len)
{
	static const struct { const char *name; uint32_t flag; } system[] = {
		{ "\\Seen", FLAG_SEEN }, { "\\Answered", FLAG_ANSWERED },
		{ "\\Flagged", FLAG_FLAGGED }, { "\\Deleted", FLAG_DELETED },
		{ "\\Draft", FLAG_DRAFT } };
	size_t i;

	for (i = 0; i < sizeof(system) / sizeof(system[0]); i++)
		if (str_is(p, len, system[i].name)) {
			w->flags |= system[i].flag;
			return;
		}
	if (len <= DOOR_KEYWORD_LEN)
		buf_put_lv(keywords, p, len);
}

/* Takes flags over, a text with blanks between. */
static void
set_flags(struct action *a, char *flags)
{
	struct buf keywords = BUF_INIT(0);
	const char *p, *sp;
	size_t n;

	a->flags = flags;
	for (p = flags; p != NULL && *p != '\0'; p = *sp != '\0' ? sp + 1 :
	    sp) {
		n = strcspn(p, " ");
		sp = p + n;
		if (n > 0)
			put_flag(&a->where, &keywords, p, n);
	}
	a->where.keywords = keywords.data;
	a->where.keywords_len = keywords.len;
}

static struct action *
add_action(struct filtered *f)
{
	struct action *a;

	f->action = mem_realloc(f->action, f->n + 1, sizeof(*f->action));
	a = &f->action[f->n++];
	memset(a, 0, sizeof(*a));
	return a;
}

static void
add_keep(struct filtered *f, const char *flags, enum door_filter filter)
{
	struct action *a = add_action(f);

	a->filter = filter;
	if (flags != NULL)
		set_flags(a, mem_strdup(flags));
}

/* 0 where it has come too far to be sent on. */
static int
may_redirect(const struct filter_message *m)
{
	struct header_counts c;

	header_count(m->data, m->len, &c);
	if (c.received < FILTER_HOPS_MAX)
		return 1;
	log_warn("%s: to=<%s> sieve: not redirected: it has %zu Received "
	    "fields", m->id, m->owner, c.received);
	return 0;
}

/* What a script decided, as requests. filter: of what is kept. */
static void
take_result(const struct filter_message *m, struct sieve_result *r,
    enum door_filter filter, struct filtered *f)
{
	int sends = r->redirects > 0 && may_redirect(m);
	struct sieve_action *s;
	struct action *a;
	size_t i;

	buf_init(&f->redirects, 0);
	for (i = 0; i < r->n; i++) {
		s = &r->action[i];
		if (s->kind == SIEVE_REDIRECT) {
			if (sends)
				buf_put_lv(&f->redirects, s->to,
				    strlen(s->to));
			continue;
		}
		a = add_action(f);
		a->where.mailbox = s->to;
		a->where.make = s->make;
		set_flags(a, s->flags);
		s->to = s->flags = NULL;
	}
	/* One that was to be sent on alone stays. */
	if (r->keep || (r->redirects > 0 && !sends && f->n == 0))
		add_keep(f, r->keep_flags, filter);
}

static int
is_name(void *arg, const char *name)
{
	const struct filter_script *s = arg;
	struct cursor c;
	const char *p;
	size_t len;

	if (str_is(name, strlen(name), "INBOX"))
		return 1;
	cursor_init(&c, s->names, s->names_len);
	while (cursor_left(&c) > 0 &&
	    (p = cursor_lv(&c, &len, DOOR_NAME_MAX)) != NULL)
		if (strlen(name) == len && memcmp(name, p, len) == 0)
			return 1;
	return 0;
}

static void
run(const struct sieve_script *script, const struct filter_message *m,
    const struct filter_script *names, const char *flags, const char *whose,
    enum door_filter filter, struct filtered *f)
{
	struct sieve_message sm = { .data = m->data, .len = m->len,
		.size = m->size, .from = m->sender, .to = m->address,
		.separator = '+' };
	struct buf why = BUF_INIT(500);
	struct sieve_result r;

	if (names != NULL && names->names != NULL) {
		sm.mailbox = is_name;
		sm.arg = (void *)(uintptr_t)names;
	}
	sieve_result_init(&r);
	if (flags != NULL)
		r.keep_flags = mem_strdup(flags);
	if (sieve_run(script, &sm, &r, &why) == -1)
		log_warn("%s: to=<%s> %s: %s; it goes into INBOX", m->id,
		    m->owner, whose, buf_str(&why));
	take_result(m, &r, filter, f);
	sieve_result_clear(&r);
	buf_clear(&why);
}

int
filter_before(const struct filter_message *m, struct filtered *f)
{
	if (before.script == NULL)
		return 0;
	run(before.script, m, NULL, NULL, "before.sieve", DOOR_FILTER, f);
	return 1;
}

void
filter_user(const struct filter_message *m, const struct filter_script *s,
    struct filtered *f)
{
	struct buf why = BUF_INIT(500);
	struct sieve_script *script = sieve_compile(s->text, s->len, &why);

	buf_init(&f->redirects, 0);
	if (script == NULL) {
		log_warn("%s: to=<%s> sieve: %s; it goes into INBOX", m->id,
		    m->owner, buf_str(&why));
		add_keep(f, s->flags, DOOR_UNFILTERED);
	} else if (sieve_asks_mailboxes(script) && s->names == NULL) {
		add_keep(f, s->flags, DOOR_FILTER_NAMES);
	} else {
		run(script, m, s, s->flags, "sieve", DOOR_UNFILTERED, f);
	}
	sieve_free(&script);
	buf_clear(&why);
}
