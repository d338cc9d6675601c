/* The tables of the rig: domains, users, aliases of all kinds. */
#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/mail/limits.h"
#include "tests/queue/rig.h"

static void
check(int ok, const char *what)
{
	if (!ok)
		log_fatal("rig: %s: %s", what, strerror(errno));
}

static void
put(struct cdb_make *m, const char *key, size_t klen, const struct buf *v)
{
	check(cdb_make_add(m, key, (unsigned)klen, v->data != NULL ? v->data :
	    "", (unsigned)v->len) == 0, "cdb");
}

static void
put_text(struct cdb_make *m, const char *key, const char *value)
{
	struct buf v = BUF_INIT(0);

	buf_puts(&v, value);
	put(m, key, strlen(key), &v);
	buf_clear(&v);
}

static void
put_user(struct cdb_make *m, const char *name)
{
	struct buf v = BUF_INIT(0), k = BUF_INIT(0);

	buf_printf(&k, "u%s", name);
	buf_put_u64(&v, 0);
	buf_put_u64(&v, 0);
	buf_put_u32(&v, 0);
	put(m, k.data, k.len, &v);
	buf_clear(&v);
	buf_clear(&k);
}

static void
put_alias(struct cdb_make *m, const char *name, const char *const *to)
{
	struct buf v = BUF_INIT(0), k = BUF_INIT(0);

	buf_printf(&k, "a%s", name);
	for (; *to != NULL; to++)
		buf_put_lv(&v, *to, strlen(*to));
	put(m, k.data, k.len, &v);
	buf_clear(&v);
	buf_clear(&k);
}

/* A mailing list. */
static void
put_list(struct cdb_make *m, const char *name, const char *owner,
    const char *const *to)
{
	char key[64];

	put_alias(m, name, to);
	snprintf(key, sizeof(key), "e%s", name);
	put_text(m, key, owner);
}

/* many<i>@example.test has RECIPIENTS_MAX targets of its own. */
static void
put_many(struct cdb_make *m, int i)
{
	struct buf v = BUF_INIT(0), k = BUF_INIT(0);
	char to[64];
	int n;

	buf_printf(&k, "amany%d@example.test", i);
	for (n = 0; n < RECIPIENTS_MAX; n++) {
		snprintf(to, sizeof(to), "m%d.%d@far.test", i, n);
		buf_put_lv(&v, to, strlen(to));
	}
	put(m, k.data, k.len, &v);
	buf_clear(&v);
	buf_clear(&k);
}

#define LIST(...) (const char *const []){ __VA_ARGS__, NULL }

void
rig_tables(const char *path)
{
	struct buf v = BUF_INIT(0);
	struct cdb_make m;
	char name[64];
	int i, fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	check(fd != -1 && cdb_make_start(&m, fd) == 0, path);
	buf_put_u32(&v, 1);
	buf_put_u64(&v, 1);
	put(&m, "f", 1, &v);
	put_text(&m, "dexample.test", "l");
	put_text(&m, "dalias.test", "aexample.test");
	put_user(&m, "anna@example.test");
	put_user(&m, "bert@example.test");
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "u%d@example.test", i);
		put_user(&m, name);
	}
	put_alias(&m, "postmaster@example.test", LIST("bert@example.test"));
	put_alias(&m, "sales@example.test", LIST("anna@example.test",
	    "bert@example.test", "far@remote.test"));
	put_alias(&m, "self@example.test", LIST("self@example.test"));
	put_alias(&m, "selfplus@example.test", LIST("selfplus@example.test",
	    "anna@example.test"));
	put_alias(&m, "ping@example.test", LIST("pong@example.test"));
	put_alias(&m, "pong@example.test", LIST("ping@example.test"));
	put_alias(&m, "aa@example.test", LIST("bb@example.test",
	    "bert@example.test"));
	put_alias(&m, "bb@example.test", LIST("aa@example.test"));
	/* Round and round, with one way out; a detour to it. */
	put_alias(&m, "ra@example.test", LIST("rb@example.test",
	    "anna@example.test"));
	put_alias(&m, "rb@example.test", LIST("rc@example.test"));
	put_alias(&m, "rc@example.test", LIST("rd@example.test",
	    "rb@example.test"));
	put_alias(&m, "rd@example.test", LIST("rc@example.test",
	    "ra@example.test"));
	put_alias(&m, "re@example.test", LIST("rd@example.test",
	    "ping@example.test"));
	/* And with none. */
	put_alias(&m, "na@example.test", LIST("nb@example.test"));
	put_alias(&m, "nb@example.test", LIST("nc@example.test",
	    "na@example.test"));
	put_alias(&m, "nc@example.test", LIST("nb@example.test"));
	put_alias(&m, "dead@example.test", LIST("nobody@example.test"));
	/* Lists, one of which stands in the other, which stands in it. */
	put_list(&m, "team@example.test", "u1@example.test",
	    LIST("anna@example.test", "m@remote.test", "inner@example.test"));
	put_list(&m, "inner@example.test", "u2@example.test",
	    LIST("i@remote.test", "m@remote.test", "bert@example.test",
	    "team@example.test"));
	put_alias(&m, "via@example.test", LIST("inner@example.test"));
	put_alias(&m, "both@example.test", LIST("inner@example.test",
	    "u4@example.test"));
	put_list(&m, "owned@example.test", "u3@example.test",
	    LIST("u3@example.test", "nobody@example.test"));
	put_list(&m, "round@example.test", "u3@example.test",
	    LIST("round@example.test"));
	for (i = 0; i < 40; i++) {
		char key[64], to[64];

		snprintf(key, sizeof(key), "c%d@example.test", i);
		snprintf(to, sizeof(to), "c%d@example.test", i + 1);
		put_alias(&m, key, LIST(to));
	}
	put_alias(&m, "c40@example.test", LIST("anna@example.test"));
	for (i = 0; i < 11; i++)
		put_many(&m, i);
	check(cdb_make_finish(&m) == 0, "cdb");
	close(fd);
	buf_clear(&v);
}
