/*
 * Who of the host's users may have a mailbox, over an NSS that the test is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <cmocka.h>

#include "lib/server/host_user.h"

static int passwd_error, group_error;
static size_t group_needs;	/* octets */
static gid_t more;		/* a group that getgrouplist tells of */

int	__wrap_getpwnam_r(const char *, struct passwd *, char *, size_t,
	    struct passwd **);
int	__wrap_getgrnam_r(const char *, struct group *, char *, size_t,
	    struct group **);
int	__wrap_getgrouplist(const char *, gid_t, gid_t *, int *);

static const struct {
	const char *name;
	uid_t uid;
	gid_t gid;
} users[] = {
	{ "root", 0, 0 }, { "daemon", 1, 1 }, { "last", 999, 999 },
	{ "first", 1000, 1000 }, { "anna", 1001, 1001 },
	{ "bert", 1002, 500 }, { "carl", 1003, 1003 },
};

int
__wrap_getpwnam_r(const char *name, struct passwd *p, char *mem, size_t size,
    struct passwd **found)
{
	size_t i;

	*found = NULL;
	if (passwd_error != 0)
		return passwd_error;
	for (i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		if (strcmp(users[i].name, name) == 0) {
			p->pw_uid = users[i].uid;
			p->pw_gid = users[i].gid;
			*found = p;
		}
	return 0;
}

int
__wrap_getgrnam_r(const char *name, struct group *g, char *mem, size_t size,
    struct group **found)
{
	static char *members[] = { "root", "last", "first", "anna", NULL };

	*found = NULL;
	if (group_error != 0)
		return group_error;
	if (size < group_needs)
		return ERANGE;
	if (strcmp(name, "mail") != 0)
		return 0;
	g->gr_gid = 500;
	g->gr_mem = members;
	*found = g;
	return 0;
}

int
__wrap_getgrouplist(const char *name, gid_t own, gid_t *list, int *n)
{
	const int have = 100, room = *n;
	int i;

	*n = have;
	for (i = 0; i < have && i < room; i++)
		list[i] = i == have - 1 ? more : own;
	return room < have ? -1 : have;
}

static void
expect(const char *name, enum host_answer answer, const char *words)
{
	struct buf why = BUF_INIT(500);

	assert_int_equal(host_may(name, "mail", &why), answer);
	if (words != NULL)
		assert_non_null(strstr(buf_str(&why), words));
	buf_clear(&why);
}

static void
test_judge(void **state)
{
	expect("anna", HOST_YES, NULL);
	expect("first", HOST_YES, NULL);
	expect("bert", HOST_YES, NULL);	/* his own group */
	expect("carl", HOST_NO, "carl is not in the group mail");
	more = 500;
	expect("carl", HOST_YES, NULL);	/* a directory that lists nobody */
	more = 0;
	/* Whatever group they are in. */
	expect("root", HOST_NO, "uid 0, under 1000");
	expect("last", HOST_NO, "uid 999, under 1000");
	expect("daemon", HOST_NO, "uid 1, under 1000");
}

static void
test_doubt(void **state)
{
	struct buf why = BUF_INIT(500), members = BUF_INIT(500);

	expect("gone", HOST_LATER, "no such user");
	passwd_error = EIO;
	expect("anna", HOST_LATER, "NSS: Input/output error");
	assert_int_equal(host_person("anna", &why), HOST_LATER);
	passwd_error = 0;
	group_error = EAGAIN;
	expect("anna", HOST_LATER, "group mail cannot be looked up");
	assert_int_equal(host_members("mail", &members, &why), HOST_LATER);
	group_error = 0;
	assert_int_equal(host_may("anna", "others", &why), HOST_LATER);
	assert_int_equal(host_members("others", &members, &why), HOST_NO);
	assert_int_equal(host_person("gone", &why), HOST_NO);
	assert_int_equal(host_person("last", &why), HOST_NO);
	assert_int_equal(host_person("first", &why), HOST_YES);
	buf_clear(&why);
	buf_clear(&members);
}

static void
test_members(void **state)
{
	static const char want[] = "root last first anna ";
	struct buf why = BUF_INIT(500), members = BUF_INIT(500),
	    seen = BUF_INIT(500);
	struct cursor c;
	const char *p;
	size_t len;

	/* A group of many members is more than the first room. */
	group_needs = 1 << 20;
	assert_int_equal(host_members("mail", &members, &why), HOST_YES);
	cursor_init(&c, members.data, members.len);
	while (cursor_left(&c) > 0) {
		p = cursor_lv(&c, &len, 100);
		buf_printf(&seen, "%.*s ", (int)len, p);
	}
	assert_string_equal(buf_str(&seen), want);
	group_needs = (size_t)HOST_NSS_MAX * 4;
	assert_int_equal(host_members("mail", &members, &why), HOST_LATER);
	group_needs = 0;
	buf_clear(&why);
	buf_clear(&members);
	buf_clear(&seen);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
