/* The wall before the tables of who administers a domain, and his words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "ctl/admin_request.h"
#include "ctl/commands.h"
#include "ctl/ctl_admin.h"
#include "ctl/ctl_hash.h"
#include "lib/base/fd.h"
#include "lib/mail/proto.h"
#include "tests/ctl/hash6.h"

static char dir[] = "/tmp/rp-test-admin-XXXXXX";

static const char *const texts[TEXT_COUNT] = {
	[TEXT_DOMAINS] = "# ours\na.test quota=1G admins=anna\n"
	    "b.test admins=bert,@staff\nc.test = alias a.test\n",
	[TEXT_USERS] = "u@a.test\nu@b.test\n"
	    "w@a.test was=v@b.test,2026-11-30\n",
	[TEXT_PASSWD] = "u@a.test:" HASH6 "\nu@b.test:" HASH6 "\n",
	[TEXT_ALIASES] = "i@a.test = u@a.test\ni@b.test = u@b.test\n"
	    "l@a.test owner=u@b.test = u@a.test\n"
	    "postmaster = u@b.test\n",
	[TEXT_DKIM] = "",
	[TEXT_GROUPS] = "mixed quota=1G : u@a.test u@b.test\n",
	[TEXT_COLLECT] = "",
};

static int
setup(void **state)
{
	char path[100];
	FILE *f;
	size_t i;

	assert_non_null(mkdtemp(dir));
	for (i = 0; i < TEXT_COUNT; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, ctl_tables[i]->file);
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(texts[i], f);
		assert_int_equal(fclose(f), 0);
	}
	return 0;
}

static int
teardown(void **state)
{
	char path[100];
	size_t i;

	for (i = 0; i < TEXT_COUNT; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, ctl_tables[i]->file);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/.lock", dir);
	unlink(path);
	return rmdir(dir);
}

/* Somebody of that name, in those groups. */
static void
be(struct ctl_admin *a, const char *name, const char *group)
{
	memset(a, 0, sizeof(*a));
	buf_puts(&a->name, name);
	if (group != NULL)
		buf_put_lv(&a->groups, group, strlen(group));
}

static void
test_named(void **state)
{
	static const struct {
		const char *name, *group;
		size_t domains;
	} who[] = {
		{ "anna", NULL, 1 }, { "bert", NULL, 1 }, { "an", NULL, 0 },
		{ "annab", NULL, 0 }, { "", NULL, 0 }, { "staff", NULL, 0 },
		{ "@staff", NULL, 0 }, { "carl", "staff", 1 },
		{ "anna", "staff", 2 }, { "carl", "anna", 0 },
		{ "carl", "staf", 0 }, { "carl", "", 0 },
	};
	struct buf why = BUF_INIT(0);
	struct ctl_admin a;
	struct set s;
	size_t i;

	assert_int_equal(set_open(&s, ctl_tables, dir, 0, &why), 0);
	for (i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
		be(&a, who[i].name, who[i].group);
		assert_int_equal(admin_admit(&a, &s.t[TEXT_DOMAINS]),
		    who[i].domains);
		admin_clear(&a);
	}
	be(&a, "anna", NULL);
	(void)admin_admit(&a, &s.t[TEXT_DOMAINS]);
	assert_true(admin_may(&a, "x@a.test") && admin_may(&a, "a.test"));
	assert_true(admin_may(NULL, "x@b.test"));
	assert_false(admin_may(&a, "x@b.test") || admin_may(&a, "") ||
	    admin_may(&a, "a.tes") || admin_may(&a, "xa.test") ||
	    admin_may(&a, "x@a.test@b.test") || admin_may(&a, "x@c.test") ||
	    admin_may(&a, "@"));
	admin_clear(&a);
	set_close(&s);
	buf_clear(&why);
}

/* What an edit does to a table: a line more, another one, one less. */
struct edit {
	enum text_id table;
	const char *add, *key, *to;	/* to NULL: key goes */
	int	 may;
};

static const struct edit edits[] = {
	{ TEXT_USERS, "x@a.test", NULL, NULL, 1 },
	{ TEXT_USERS, NULL, "u@a.test", "u@a.test disabled", 1 },
	{ TEXT_USERS, NULL, "u@a.test", NULL, 1 },
	{ TEXT_PASSWD, "x@a.test:" HASH6, NULL, NULL, 1 },
	{ TEXT_PASSWD, NULL, "u@a.test", NULL, 1 },
	{ TEXT_ALIASES, "x@a.test = u@b.test", NULL, NULL, 1 },
	{ TEXT_ALIASES, "@a.test = u@a.test", NULL, NULL, 1 },
	{ TEXT_ALIASES, NULL, "i@a.test", NULL, 1 },
	{ TEXT_ALIASES, "x@a.test owner=u@a.test = u@b.test", NULL, NULL, 1 },
	{ TEXT_ALIASES, NULL, "l@a.test", "l@a.test owner=u@b.test = u@a.test",
	    1 },
	{ TEXT_ALIASES, NULL, "l@a.test", "l@a.test = u@a.test", 1 },
	{ TEXT_ALIASES, NULL, "l@a.test", NULL, 1 },
	{ TEXT_USERS, NULL, "w@a.test", "w@a.test disabled "
	    "was=v@b.test,2026-11-30", 1 },
	{ TEXT_USERS, NULL, "w@a.test", "w@a.test", 1 },
	{ TEXT_USERS, NULL, "w@a.test", NULL, 1 },
	{ TEXT_GROUPS, NULL, "mixed", "mixed quota=1073741824 : u@b.test", 1 },
	{ TEXT_USERS, NULL, "u@a.test", "u@a.test moving=u@b.test", 0 },
	{ TEXT_USERS, "x@a.test was=u@b.test,2026-11-30", NULL, NULL, 0 },
	{ TEXT_USERS, NULL, "w@a.test", "w@a.test was=u@b.test,2026-11-30",
	    0 },
	{ TEXT_USERS, NULL, "w@a.test", "w@a.test was=v@b.test,2026-11-30 "
	    "was=u@b.test,2026-11-30", 0 },
	{ TEXT_ALIASES, "x@a.test owner=u@b.test = u@a.test", NULL, NULL, 0 },
	{ TEXT_ALIASES, "x@a.test owner=x@remote.test = u@a.test", NULL, NULL,
	    0 },
	{ TEXT_ALIASES, NULL, "i@a.test", "i@a.test owner=u@b.test = u@a.test",
	    0 },
	{ TEXT_ALIASES, NULL, "l@a.test", "l@a.test owner=i@b.test = u@a.test",
	    0 },
	{ TEXT_USERS, "x@b.test", NULL, NULL, 0 },
	{ TEXT_USERS, "x@c.test", NULL, NULL, 0 },
	{ TEXT_USERS, NULL, "u@b.test", "u@b.test disabled", 0 },
	{ TEXT_USERS, NULL, "u@b.test", NULL, 0 },
	{ TEXT_USERS, NULL, "u@b.test", "v@a.test", 0 },
	{ TEXT_USERS, NULL, "u@a.test", "v@b.test", 0 },
	{ TEXT_PASSWD, "x@b.test:" HASH6, NULL, NULL, 0 },
	{ TEXT_PASSWD, NULL, "u@b.test", NULL, 0 },
	{ TEXT_ALIASES, "x@b.test = u@a.test", NULL, NULL, 0 },
	{ TEXT_ALIASES, "abuse = u@a.test", NULL, NULL, 0 },
	{ TEXT_ALIASES, NULL, "postmaster", "postmaster = u@a.test", 0 },
	{ TEXT_ALIASES, NULL, "postmaster", NULL, 0 },
	{ TEXT_ALIASES, NULL, "i@b.test", "i@b.test = u@a.test", 0 },
	{ TEXT_ALIASES, NULL, "i@b.test", NULL, 0 },
	{ TEXT_DOMAINS, "d.test", NULL, NULL, 0 },
	{ TEXT_DOMAINS, NULL, "a.test", "a.test admins=anna", 0 },
	{ TEXT_DOMAINS, NULL, "b.test", "b.test admins=anna", 0 },
	{ TEXT_DOMAINS, NULL, "a.test", NULL, 0 },
	{ TEXT_GROUPS, "own : u@a.test", NULL, NULL, 0 },
	{ TEXT_GROUPS, NULL, "mixed", NULL, 0 },
	{ TEXT_GROUPS, NULL, "mixed", "mixed quota=1G : u@a.test", 0 },
	{ TEXT_GROUPS, NULL, "mixed", "mixed quota=2G : u@b.test", 0 },
	{ TEXT_GROUPS, NULL, "mixed",
	    "mixed quota=1G : u@a.test u@b.test x@a.test", 0 },
	{ TEXT_GROUPS, NULL, "mixed", "mixed quota=1G : u@b.test u@a.test", 0 },
};

static void
test_wall(void **state)
{
	struct buf why = BUF_INIT(0);
	const struct edit *e;
	struct ctl_admin a;
	struct set s;
	size_t i;
	int r;

	for (i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		e = &edits[i];
		be(&a, "anna", NULL);
		assert_int_equal(set_open(&s, ctl_tables, dir, 1, &why), 0);
		/* Nothing is changed: nothing is refused. */
		assert_int_equal(admin_wall(&a, &s, &why), 0);
		r = e->add != NULL ? text_add(&s.t[e->table], e->add, &why) :
		    e->to != NULL ? text_set(&s.t[e->table], e->key, e->to,
		    &why) : text_del(&s.t[e->table], e->key);
		assert_int_equal(r, 0);
		r = admin_wall(&a, &s, &why);
		if ((r == 0) != e->may)
			fail_msg("edit %zu: %d %s", i, r, buf_str(&why));
		assert_true(r == 0 || why.len > 0);
		buf_reset(&why);
		set_close(&s);
		admin_clear(&a);
	}
	buf_clear(&why);
}

/* Who lost his domain since he was admitted changes nothing. */
static void
test_wall_asks_anew(void **state)
{
	struct buf why = BUF_INIT(0);
	struct ctl_admin a;
	struct set s;

	be(&a, "carl", NULL);
	buf_put_lv(&a.domains, "a.test", 6);
	assert_true(admin_may(&a, "x@a.test"));
	assert_int_equal(set_open(&s, ctl_tables, dir, 1, &why), 0);
	assert_int_equal(text_add(&s.t[TEXT_USERS], "x@a.test", &why), 0);
	assert_int_equal(admin_wall(&a, &s, &why), -1);
	set_close(&s);
	admin_clear(&a);
	buf_clear(&why);
}

/* Who is there says the kernel: we are, in our groups. */
static void
test_who(void **state)
{
	struct ctl_admin a;
	int fd[2];

	assert_int_equal(fd_pair(fd), 0);
	assert_int_equal(admin_who(fd[0], &a), 0);
	assert_int_equal(a.uid, geteuid());
	admin_clear(&a);
	fd_close(&fd[0]);
	fd_close(&fd[1]);
	assert_int_equal(admin_who(-1, &a), -1);
	admin_clear(&a);
}

/* 0, or -1. r is cleared by the caller. */
static int
request(const struct buf *args, struct admin_request *r)
{
	struct buf fields = BUF_INIT(0), why = BUF_INIT(0);
	struct frame f = { .type = AD_RUN };
	struct msg m;
	int ok;

	memset(r, 0, sizeof(*r));
	buf_put_u8(&fields, ADF_ARGS);
	buf_put_lv(&fields, args->data, args->len);
	f.data = buf_str(&fields);
	f.len = (uint32_t)fields.len;
	ok = msg_parse(&m, &proto_admin, PEER_CTL, &f, &why);
	if (ok == 0)
		ok = admin_request(&m, r);
	buf_clear(&fields);
	buf_clear(&why);
	return ok;
}

static void
test_request(void **state)
{
	struct buf args = BUF_INIT(0);
	struct admin_request r;
	int i;

	assert_int_equal(request(&args, &r), -1);	/* no word */
	admin_request_clear(&r);
	buf_put_lv(&args, "user", 4);
	buf_put_lv(&args, "", 0);
	assert_int_equal(request(&args, &r), 0);
	assert_int_equal(r.argc, 2);
	assert_string_equal(r.argv[0], "user");
	assert_string_equal(r.argv[1], "");
	assert_null(r.argv[2]);
	assert_string_equal(r.language, "");
	admin_request_clear(&r);
	for (i = 0; i < 0x21; i++) {
		const char c = (char)(i == 0x20 ? 0x7f : i);

		buf_reset(&args);
		buf_put_lv(&args, "user", 4);
		buf_put_lv(&args, &c, 1);
		assert_int_equal(request(&args, &r), -1);
		admin_request_clear(&r);
	}
	buf_reset(&args);
	buf_put_u32(&args, 5);
	buf_puts(&args, "user");			/* cut */
	assert_int_equal(request(&args, &r), -1);
	admin_request_clear(&r);
	buf_reset(&args);
	for (i = 0; i < ADMIN_WORDS_MAX; i++)
		buf_put_lv(&args, "x", 1);
	assert_int_equal(request(&args, &r), 0);
	assert_int_equal(r.argc, ADMIN_WORDS_MAX);
	admin_request_clear(&r);
	buf_put_lv(&args, "x", 1);
	assert_int_equal(request(&args, &r), -1);
	admin_request_clear(&r);
	buf_clear(&args);
}

/* What he may run has no option that names a file, and is about an address. */
static void
test_commands(void **state)
{
	const struct ctl_command *cmd;
	const struct option_row *o;
	int n = 0;

	for (cmd = ctl_commands; cmd->name != NULL; cmd++) {
		if (cmd->admin == ADMIN_NEVER)
			continue;
		n++;
		assert_true(cmd->admin == ADMIN_LIST ? cmd->lists &&
		    !cmd->changes : cmd->changes && cmd->min_args > 0 &&
		    strncmp(cmd->args, "ADDRESS", 7) == 0);
		for (o = cmd->options; o != NULL && o->name != NULL; o++)
			assert_true(o->value == NULL ||
			    (strstr(o->value, "FILE") == NULL &&
			    strstr(o->value, "DIR") == NULL));
	}
	assert_int_equal(n, 14);
}

/* A hash of his that auth would be busy with for hours. */
static void
test_hash_cost(void **state)
{
#define TAIL43	"1234567890123456789012345678901234567890123"
#define TAIL86	TAIL43 TAIL43
#define TAIL53	TAIL43 "1234567890"
	static const struct {
		const char *hash;
		int	 cheap;
	} hashes[] = {
		{ HASH6, 1 },
		{ "$6$rounds=1000000$abcdefgh$" TAIL86, 1 },
		{ "$6$rounds=1000001$abcdefgh$" TAIL86, 0 },
		{ "$5$rounds=999999999$abcdefgh$" TAIL43, 0 },
		{ "{CRYPT}$6$rounds=999999999$abcdefgh$" TAIL86, 0 },
		{ "$2b$10$" TAIL53, 1 }, { "$2y$14$" TAIL53, 1 },
		{ "$2b$15$" TAIL53, 0 }, { "$2a$31$" TAIL53, 0 },
		{ "$y$j9T$abcdefghabcdefghabcde.$" TAIL43, 1 },
		{ "$y$j75$abcdefghabcdefghabcde.$" TAIL43, 1 },
		{ "$y$jBT$abcdefghabcdefghabcde.$" TAIL43, 1 },
		{ "$y$jFT$abcdefghabcdefghabcde.$" TAIL43, 0 },
		{ "$gy$jFT$abcdefghabcdefghabcde.$" TAIL43, 0 },
		{ "$7$C6..../....abcdefgh$" TAIL43, 1 },
		{ "$7$H6..../....abcdefgh$" TAIL43, 0 },
		{ "$7$C6.../0....abcdefgh$" TAIL43, 0 },
	};
	struct buf why = BUF_INIT(0);
	size_t i;
	int r;

	for (i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		r = hash_cheap(hashes[i].hash, &why);
		if ((r == 0) != hashes[i].cheap)
			fail_msg("%s: %d", hashes[i].hash, r);
		assert_true(r == 0 || why.len > 0);
		buf_reset(&why);
	}
	buf_clear(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_wall),
		cmocka_unit_test(test_wall_asks_anew),
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_hash_cost),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
