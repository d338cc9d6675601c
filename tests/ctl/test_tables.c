#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>
#include <cmocka.h>

#include "ctl/ctl_check.h"
#include "ctl/ctl_commit.h"
#include "ctl/ctl_compile.h"
#include "ctl/table_aliases.h"
#include "ctl/table_collect.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/limits.h"
#include "lib/mail/tables.h"
#include "lib/map/map.h"
#include "tests/ctl/hash6.h"

/* No group of the compiled files. */
static const gid_t nobody[TABLE_CDBS] = { (gid_t)-1, (gid_t)-1, (gid_t)-1 };
static char dir[] = "/tmp/rp-test-tables-XXXXXX";
static char state_dir[64], path[96], hashes[96];

static const char *const good[TEXT_COUNT] = {
	[TEXT_DOMAINS] = "example.test\nexample.com = alias example.test\n"
	    "catch.test\nB\xc3\xbc" "cher.test\n",
	[TEXT_USERS] = "anna@example.test quota=2G,10000\n"
	    "Bob@example.test\ncarl@catch.test disabled\n"
	    "abuse@catch.test\nd@b\xc3\xbc" "cher.test\n",
	[TEXT_PASSWD] = "anna@example.test:" HASH6 "\n"
	    "carl@catch.test:" HASH6 "\nghost@x.test:" HASH6 "\n",
	[TEXT_ALIASES] = "sales@example.test = anna@example.com, "
	    "bob@example.test, x@elsewhere.test\n"
	    "all@example.test = sales@example.test\n"
	    "list+x@example.test = bob@example.test\n"
	    "@catch.test = carl@catch.test\npostmaster = bob@example.test\n",
	[TEXT_DKIM] = "",
	[TEXT_GROUPS] = "",
};

static int
load(struct set *s, const char *const texts[TEXT_COUNT], struct buf *why)
{
	int i, r = 0;

	set_init(s, ctl_tables, "/etc");
	for (i = 0; i < TEXT_COUNT; i++) {
		if (texts[i] != NULL && text_parse(&s->t[i], "/etc", texts[i],
		    strlen(texts[i]), why) == -1)
			r = -1;
	}
	return r;
}

static void
compile_as(const char *host, const char *const texts[TEXT_COUNT])
{
	struct buf why = BUF_INIT(0), warn = BUF_INIT(0);
	struct set s;

	assert_int_equal(load(&s, texts, &why), 0);
	set_host(&s, host);
	s.dirfd = open(state_dir, O_RDONLY | O_DIRECTORY);
	if (set_check(&s, &why, &warn) == -1 ||
	    set_commit(&s, state_dir, nobody, &why) == -1)
		fail_msg("%s", buf_str(&why));
	set_close(&s);
	buf_clear(&why);
	buf_clear(&warn);
}

static void
compile(const char *const texts[TEXT_COUNT])
{
	compile_as("", texts);
}

static struct tables *
open_tables(void)
{
	struct buf why = BUF_INIT(0);
	struct tables *t = tables_open(path, &why);

	if (t == NULL)
		fail_msg("%s", buf_str(&why));
	buf_clear(&why);
	return t;
}

static struct tables *
open_good(void)
{
	compile(good);
	return open_tables();
}

static void
test_address(void **state)
{
	static const struct {
		const char *in;
		enum tables_kind kind;
		const char *name;	/* the account; the first target */
	} rows[] = {
		{ "anna@example.test", TABLES_USER, "anna@example.test" },
		{ "ANNA@EXAMPLE.TEST", TABLES_USER, "anna@example.test" },
		{ "anna@example.com", TABLES_USER, "anna@example.test" },
		{ "anna+tag@example.com", TABLES_USER, "anna@example.test" },
		{ "anna+a+b@example.test", TABLES_USER, "anna@example.test" },
		{ "anna+@example.test", TABLES_USER, "anna@example.test" },
		{ "+anna@example.test", TABLES_ABSENT, NULL },
		{ "\"anna+x\"@example.test", TABLES_ABSENT, NULL },
		{ "bob@example.test", TABLES_USER, "bob@example.test" },
		{ "nobody@example.test", TABLES_ABSENT, NULL },
		{ "@example.test", TABLES_ABSENT, NULL },
		{ "@catch.test", TABLES_ABSENT, NULL },
		{ "anna@other.test", TABLES_REMOTE, NULL },
		{ "u@example.test@other.test", TABLES_REMOTE, NULL },
		{ "u%other.test@example.test", TABLES_ABSENT, NULL },
		{ "anna", TABLES_REMOTE, NULL },
		{ "", TABLES_REMOTE, NULL },
		{ "sales@example.com", TABLES_ALIAS, "anna@example.com" },
		{ "sales+q@example.test", TABLES_ALIAS, "anna@example.com" },
		{ "list+x@example.test", TABLES_ALIAS, "bob@example.test" },
		{ "list+y@example.test", TABLES_ABSENT, NULL },
		{ "any.body@catch.test", TABLES_ALIAS, "carl@catch.test" },
		{ "carl@catch.test", TABLES_USER, "carl@catch.test" },
		{ "Postmaster", TABLES_ALIAS, "bob@example.test" },
		{ "postmaster@example.test", TABLES_ALIAS,
		    "bob@example.test" },
		{ "PostMaster@Example.com", TABLES_ALIAS,
		    "bob@example.test" },
		{ "abuse@example.test", TABLES_ALIAS, "bob@example.test" },
		{ "postmaster@catch.test", TABLES_ALIAS,
		    "bob@example.test" },
		{ "abuse@catch.test", TABLES_USER, "abuse@catch.test" },
		{ "d@xn--bcher-kva.test", TABLES_USER,
		    "d@xn--bcher-kva.test" },
	};
	struct buf name = BUF_INIT(ADDRESS_MAX), list = BUF_INIT(0);
	struct tables *t = open_good();
	struct cursor c;
	const char *p;
	size_t i, n;
	enum tables_kind k;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		k = tables_address(t, rows[i].in, &name, &list);
		if (k != rows[i].kind)
			fail_msg("%s: kind %d", rows[i].in, k);
		if (k == TABLES_USER)
			assert_string_equal(buf_str(&name), rows[i].name);
		if (k != TABLES_ALIAS)
			continue;
		cursor_init(&c, list.data, list.len);
		p = cursor_lv(&c, &n, ADDRESS_MAX);
		assert_non_null(p);
		assert_int_equal(n, strlen(rows[i].name));
		assert_memory_equal(p, rows[i].name, n);
	}
	buf_clear(&name);
	buf_clear(&list);
	tables_free(&t);
}

/* Whose list it is, by whatever key the alias was found. */
static void
test_owner(void **state)
{
	static const char *const lists[TEXT_COUNT] = {
		[TEXT_DOMAINS] = "example.test\nb.test\n"
		    "example.com = alias example.test\n",
		[TEXT_USERS] = "anna@example.test\n", [TEXT_PASSWD] = "",
		[TEXT_ALIASES] =
		    "list@example.test owner=Anna@Example.Test = x@far.test\n"
		    "plain@example.test = x@far.test\n"
		    "own@example.com owner=plain@example.test = x@far.test\n"
		    "wild-*@example.test\towner=b=c@far.test\t= x@far.test\n"
		    "@b.test owner=postmaster@b.test =x@far.test\n"
		    "postmaster owner=anna@example.com = anna@example.test\n",
		[TEXT_DKIM] = "", [TEXT_GROUPS] = "",
	};
	static const struct {
		const char *in, *owner;
	} rows[] = {
		{ "List+x@Example.Test", "Anna@example.test" },
		{ "list@example.com", "Anna@example.test" },
		{ "plain@example.test", "" },
		{ "own@example.com", "plain@example.test" },
		{ "wild-1@example.test", "b=c@far.test" },
		{ "any@b.test", "postmaster@b.test" },
		{ "postmaster@b.test", "anna@example.com" },
		{ "abuse@example.test", "anna@example.com" },
		{ "postmaster", "anna@example.com" },
	};
	struct buf name = BUF_INIT(ADDRESS_MAX), list = BUF_INIT(0),
	    owner = BUF_INIT(ADDRESS_MAX), line = BUF_INIT(0);
	struct tables *t;
	struct text text;
	struct row *r;
	size_t i;

	compile(lists);
	t = open_tables();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(tables_list(t, rows[i].in, &name, &list,
		    &owner), TABLES_ALIAS);
		assert_string_equal(buf_str(&owner), rows[i].owner);
		assert_true(list.len > 0);
	}
	assert_int_equal(tables_list(t, "anna@example.test", &name, &list,
	    &owner), TABLES_USER);
	assert_string_equal(buf_str(&owner), "");
	tables_free(&t);
	/* A line that is printed is the row that it was. */
	text_init(&text, &table_aliases);
	assert_int_equal(text_parse(&text, "/etc", lists[TEXT_ALIASES],
	    strlen(lists[TEXT_ALIASES]), &line), 0);
	for (i = 0; (r = text_next(&text, &i)) != NULL;) {
		buf_reset(&line);
		alias_print(r, &line);
		assert_int_equal(text_change(&text, &r, buf_str(&line),
		    &name), 0);
		buf_reset(&name);
		alias_print(r, &name);
		assert_string_equal(buf_str(&name), buf_str(&line));
	}
	text_clear(&text);
	buf_clear(&name);
	buf_clear(&list);
	buf_clear(&owner);
	buf_clear(&line);
}

/* Exact, without the tag and role before the catch-all in either spelling. */
static void
test_catch_all(void **state)
{
	static const struct {
		const char *in, *target;	/* NULL: an account */
	} rows[] = {
		{ "anna@example.test", NULL },
		{ "anna+x@example.com", NULL },
		{ "sales@example.test", "anna@example.com" },
		{ "sales+x@example.test", "anna@example.com" },
		{ "postmaster@example.test", "bob@example.test" },
		{ "abuse@example.test", "bob@example.test" },
		{ "other@example.test", "carl@catch.test" },
		{ "other@example.com", "carl@catch.test" },
		{ "*@example.test", "carl@catch.test" },
	};
	const char *texts[TEXT_COUNT], *p;
	struct buf name = BUF_INIT(ADDRESS_MAX), list = BUF_INIT(0);
	struct buf why = BUF_INIT(0);
	struct tables *t;
	struct cursor c;
	struct set s;
	size_t i, n;

	memcpy(texts, good, sizeof(texts));
	texts[TEXT_ALIASES] = "*@Example.test = carl@catch.test\n"
	    "postmaster = bob@example.test\nsales@example.test = "
	    "anna@example.com\n";
	compile(texts);
	t = open_tables();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (tables_address(t, rows[i].in, &name, &list) !=
		    (rows[i].target == NULL ? TABLES_USER : TABLES_ALIAS))
			fail_msg("%s", rows[i].in);
		if (rows[i].target == NULL)
			continue;
		cursor_init(&c, list.data, list.len);
		p = cursor_lv(&c, &n, ADDRESS_MAX);
		assert_int_equal(n, strlen(rows[i].target));
		assert_memory_equal(p, rows[i].target, n);
	}
	assert_int_equal(tables_owns(t, "carl@catch.test",
	    "other@example.test"), LOOKUP_FOUND);
	tables_free(&t);
	texts[TEXT_ALIASES] = "*@example.test = bob@example.test\n"
	    "@example.test = anna@example.test\n";
	assert_int_equal(load(&s, texts, &why), -1);
	assert_non_null(strstr(buf_str(&why), "already in aliases, line 1"));
	set_close(&s);
	buf_clear(&why);
	buf_clear(&name);
	buf_clear(&list);
}

/* The host's own name stands for the domain that it lies in, or the first. */
static void
test_host(void **state)
{
	static const struct {
		const char *host, *domain;	/* NULL: not ours */
	} rows[] = {
		{ "mail.example.test", "example.test" },
		{ "Mail.Other.Test", "example.test" },
		{ "mx.in.catch.test", "catch.test" },
		{ "localhost", "example.test" },
		{ "catch.test", "catch.test" },
		{ "example.com", "example.test" },	/* listed as such */
		{ "www.example.com", "example.test" },
		{ "", NULL }, { "no host", NULL },
	};
	static const char *const none[TEXT_COUNT] = { "", "", "", "" };
	struct buf name = BUF_INIT(ADDRESS_MAX), list = BUF_INIT(0);
	char host[64], address[80];
	struct tables *t;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		compile_as(rows[i].host, good);
		t = open_tables();
		snprintf(host, sizeof(host), "%s", rows[i].host);
		str_tolower(host, strlen(host));
		assert_int_equal(tables_domain(t, host, &name),
		    rows[i].domain == NULL ? LOOKUP_ABSENT : LOOKUP_FOUND);
		if (rows[i].domain != NULL)
			assert_string_equal(buf_str(&name), rows[i].domain);
		snprintf(address, sizeof(address), "PostMaster@%s", host);
		assert_int_equal(tables_address(t, address, &name, &list),
		    rows[i].domain == NULL ? TABLES_REMOTE : TABLES_ALIAS);
		tables_free(&t);
	}
	compile_as("mail.example.test", none);
	t = open_tables();
	assert_int_equal(tables_domain(t, "mail.example.test", NULL),
	    LOOKUP_ABSENT);
	tables_free(&t);
	buf_clear(&name);
	buf_clear(&list);
}

/* The longest prefix wins, behind all that has the whole name. */
static void
test_wildcards(void **state)
{
	static const struct {
		const char *in, *target;	/* NULL: an account */
	} rows[] = {
		{ "shop-anna@example.test", NULL },
		{ "shop-anna+x@example.test", NULL },
		{ "shop-x@example.test", "bob@example.test" },
		{ "SHOP-x@Example.com", "bob@example.test" },
		{ "shop-@example.test", "bob@example.test" },
		{ "shop-*@example.test", "bob@example.test" },
		{ "shop-de@example.test", "anna@example.com" },
		{ "shop-de-x+y@example.test", "anna@example.com" },
		{ "shop-list@example.test", "carl@catch.test" },
		{ "shop-list+x@example.test", "carl@catch.test" },
		{ "shop@example.test", "d@xn--bcher-kva.test" },
		{ "\"shop-x\"@example.test", "d@xn--bcher-kva.test" },
		{ "xshop-x@example.test", "d@xn--bcher-kva.test" },
		{ "a*b@example.test", "carl@catch.test" },
		{ "\"a..b\"@example.test", "bob@example.test" },
		{ "axb@example.test", "d@xn--bcher-kva.test" },
		{ "postmaster@example.test", "bob@example.test" },
	};
	static const struct {
		const char *login, *address;
		enum lookup r;
	} owns[] = {
		{ "bob@example.test", "shop-x@example.test", LOOKUP_FOUND },
		{ "bob@example.test", "shop-de@example.test", LOOKUP_ABSENT },
		{ "anna@example.test", "shop-de1@example.test", LOOKUP_FOUND },
		{ "anna@example.test", "shop-x@example.test", LOOKUP_ABSENT },
		{ "d@xn--bcher-kva.test", "shop-x@example.test",
		    LOOKUP_ABSENT },
		{ "d@xn--bcher-kva.test", "what@example.test", LOOKUP_FOUND },
		{ "bob@example.test", "shop-anna@example.test",
		    LOOKUP_ABSENT },
		{ "bob@example.test", "shop-x@catch.test", LOOKUP_ABSENT },
	};
	const char *texts[TEXT_COUNT], *p;
	struct buf name = BUF_INIT(ADDRESS_MAX), list = BUF_INIT(0);
	struct buf why = BUF_INIT(0);
	struct tables *t;
	struct cursor c;
	struct set s;
	size_t i, n;

	memcpy(texts, good, sizeof(texts));
	texts[TEXT_USERS] = "anna@example.test\nBob@example.test\n"
	    "carl@catch.test\nd@b\xc3\xbc" "cher.test\n"
	    "shop-anna@example.test\n";
	texts[TEXT_ALIASES] = "*@example.test = d@b\xc3\xbc" "cher.test\n"
	    "Shop-*@Example.test = bob@example.test\n"
	    "shop-de*@example.test = anna@example.com\n"
	    "shop-list@example.test = carl@catch.test\n"
	    "a*b@example.test = carl@catch.test\n"
	    "A..b@example.test = bob@example.test\n"
	    "postmaster = shop-x@example.test\n";
	compile(texts);
	t = open_tables();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (tables_address(t, rows[i].in, &name, &list) !=
		    (rows[i].target == NULL ? TABLES_USER : TABLES_ALIAS))
			fail_msg("%s", rows[i].in);
		if (rows[i].target == NULL)
			continue;
		cursor_init(&c, list.data, list.len);
		p = cursor_lv(&c, &n, ADDRESS_MAX);
		if (strncmp(rows[i].in, "postmaster", 10) == 0)
			continue;	/* one step: to shop-x */
		if (n != strlen(rows[i].target) ||
		    memcmp(p, rows[i].target, n) != 0)
			fail_msg("%s: %.*s", rows[i].in, (int)n, p);
	}
	for (i = 0; i < sizeof(owns) / sizeof(owns[0]); i++)
		if (tables_owns(t, owns[i].login, owns[i].address) !=
		    owns[i].r)
			fail_msg("%s, %s", owns[i].login, owns[i].address);
	/* Another domain has none. */
	assert_int_equal(tables_address(t, "shop-x@catch.test", &name, &list),
	    TABLES_ABSENT);
	tables_free(&t);
	texts[TEXT_ALIASES] = "shop-*@example.test = shop-x@example.test\n";
	assert_int_equal(load(&s, texts, &why), 0);
	assert_int_equal(set_check(&s, &why, &list), -1);
	assert_non_null(strstr(buf_str(&why), "leads to itself"));
	set_close(&s);
	buf_clear(&name);
	buf_clear(&list);
	buf_clear(&why);
}

static void
test_owns(void **state)
{
	static const struct {
		const char *login, *address;
		enum lookup r;
	} rows[] = {
		{ "anna@example.test", "anna@example.test", LOOKUP_FOUND },
		{ "anna@example.test", "Anna+x@Example.Com", LOOKUP_FOUND },
		{ "anna@example.test", "bob@example.test", LOOKUP_ABSENT },
		{ "anna@example.test", "sales@example.test", LOOKUP_FOUND },
		{ "anna@example.test", "all@example.com", LOOKUP_FOUND },
		{ "carl@catch.test", "all@example.com", LOOKUP_ABSENT },
		{ "carl@catch.test", "what@catch.test", LOOKUP_FOUND },
		{ "carl@catch.test", "abuse@catch.test", LOOKUP_ABSENT },
		{ "carl@catch.test", "postmaster@catch.test", LOOKUP_ABSENT },
		{ "bob@example.test", "postmaster@catch.test", LOOKUP_FOUND },
		{ "anna@example.test", "what@catch.test", LOOKUP_ABSENT },
		{ "anna@example.test", "anna@other.test", LOOKUP_ABSENT },
		{ "anna@example.test", "@example.test", LOOKUP_ABSENT },
		{ "anna@example.test", "", LOOKUP_ABSENT },
	};
	struct tables *t = open_good();
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (tables_owns(t, rows[i].login, rows[i].address) !=
		    rows[i].r)
			fail_msg("%s, %s", rows[i].login, rows[i].address);
	}
	tables_free(&t);
}

static void
test_user(void **state)
{
	struct tables *t = open_good();
	struct buf why = BUF_INIT(0);
	struct tables_user u;
	struct map *m;
	const char *p;
	size_t n;

	assert_int_equal(tables_user(t, "anna@example.test", &u),
	    LOOKUP_FOUND);
	assert_true(u.quota_size == (uint64_t)2 << 30);
	assert_true(u.quota_count == 10000);
	assert_int_equal(u.flags, 0);
	assert_int_equal(tables_user(t, "carl@catch.test", &u), LOOKUP_FOUND);
	assert_int_equal(u.flags, TABLES_DISABLED | TABLES_NO_QUOTA);
	assert_int_equal(tables_user(t, "nobody@example.test", &u),
	    LOOKUP_ABSENT);
	assert_int_equal(tables_domain(t, "example.com", NULL), LOOKUP_FOUND);
	assert_int_equal(tables_domain(t, "example.org", NULL), LOOKUP_ABSENT);
	assert_int_equal(tables_full(t, "anna@example.test"), LOOKUP_ABSENT);

	m = map_cdb_open(hashes, 0, &why);
	assert_non_null(m);
	assert_int_equal(map_find(m, "anna@example.test", 17, &p, &n),
	    MAP_FOUND);
	assert_int_equal(n, sizeof(HASH6) - 1);
	/* Of who is disabled it says that alone, and no hash. */
	assert_int_equal(map_find(m, "carl@catch.test", 15, &p, &n),
	    MAP_FOUND);
	assert_int_equal(n, strlen(PASSWD_DISABLED));
	assert_memory_equal(p, PASSWD_DISABLED, n);
	map_free(&m);
	tables_free(&t);
	buf_clear(&why);
}

static uint64_t
quota_of(struct tables *t, const char *account, uint64_t *count_r)
{
	struct tables_user u;

	assert_int_equal(tables_user(t, account, &u), LOOKUP_FOUND);
	if (count_r != NULL)
		*count_r = u.quota_count;
	return u.quota_size;
}

/* The nearest that says something holds; between groups the larger bound. */
static void
test_grants(void **state)
{
	static const char *const texts[TEXT_COUNT] = {
		[TEXT_DOMAINS] = "example.test quota=4M\nother.test\n",
		[TEXT_USERS] = "own@example.test quota=1M\n"
		    "nothing@example.test\none@example.test\n"
		    "two@example.test\nfree@example.test\n"
		    "far@other.test\n",
		[TEXT_GROUPS] = "A quota=2M,10 : own@example.test "
		    "one@example.test two@example.test\n"
		    "b quota=3M,5 : TWO@example.test free@example.test\n"
		    "c quota=0,7 : free@example.test\n"
		    "says-nothing : one@example.test\nempty quota=9M :\n",
	};
	struct tables *t;
	uint64_t count;

	compile(texts);
	t = open_tables();
	assert_int_equal(quota_of(t, "own@example.test", &count), 1 << 20);
	assert_int_equal(count, 0);
	assert_int_equal(quota_of(t, "nothing@example.test", NULL), 4 << 20);
	assert_int_equal(quota_of(t, "one@example.test", &count), 2 << 20);
	assert_int_equal(count, 10);
	assert_int_equal(quota_of(t, "two@example.test", &count), 3 << 20);
	assert_int_equal(count, 10);
	assert_int_equal(quota_of(t, "free@example.test", &count), 0);
	assert_int_equal(count, 7);
	assert_int_equal(quota_of(t, "far@other.test", NULL), 0);
	tables_free(&t);
}

/*
 * An alias domain has the accounts, the aliases and the catch-all of the other
 * one, and the right to send as them; but for what stands there itself, and for
 * what is left out.
 */
static void
test_alias_domain(void **state)
{
	static const char *const texts[TEXT_COUNT] = {
		[TEXT_DOMAINS] = "a.test\nb.test = alias a.test "
		    "except=Dora,x+y\nc.test = alias a.test\n"
		    "d.test\ne.test = alias d.test except=eve\n",
		[TEXT_USERS] = "anna@a.test\nbert@a.test\ncarl@a.test\n"
		    "dora@a.test\nx@a.test\ncarl@b.test\neve@d.test\n",
		[TEXT_ALIASES] = "sales@a.test = anna@a.test\n"
		    "shop-*@a.test = bert@a.test\n@a.test = anna@a.test\n"
		    "bert@b.test = anna@a.test\n",
	};
	static const struct {
		const char *address;
		enum tables_kind kind;
		const char *name;	/* the account, or the first target */
		const char *owner, *stranger;	/* who may send as it */
	} rows[] = {
		{ "anna@b.test", TABLES_USER, "anna@a.test", "anna@a.test",
		    "bert@a.test" },
		{ "ANNA+t@B.test", TABLES_USER, "anna@a.test", "anna@a.test",
		    "bert@a.test" },
		{ "sales@b.test", TABLES_ALIAS, "anna@a.test", "anna@a.test",
		    "bert@a.test" },
		{ "shop-1@b.test", TABLES_ALIAS, "bert@a.test", "bert@a.test",
		    "anna@a.test" },
		{ "any@b.test", TABLES_ALIAS, "anna@a.test", "anna@a.test",
		    "bert@a.test" },
		/* Lines of its own. */
		{ "bert@b.test", TABLES_ALIAS, "anna@a.test", "anna@a.test",
		    "bert@a.test" },
		{ "bert+t@b.test", TABLES_ALIAS, "anna@a.test",
		    "anna@a.test", "bert@a.test" },
		{ "bert@a.test", TABLES_USER, "bert@a.test", "bert@a.test",
		    "anna@a.test" },
		{ "bert@c.test", TABLES_USER, "bert@a.test", "bert@a.test",
		    "anna@a.test" },
		{ "carl@b.test", TABLES_USER, "carl@b.test", "carl@b.test",
		    "carl@a.test" },
		{ "carl+t@b.test", TABLES_USER, "carl@b.test", "carl@b.test",
		    "carl@a.test" },
		{ "carl@c.test", TABLES_USER, "carl@a.test", "carl@a.test",
		    "carl@b.test" },
		/* Left out: not even the catch-all has it. */
		{ "dora@b.test", TABLES_ABSENT, NULL, NULL, "dora@a.test" },
		{ "dora+t@b.test", TABLES_ABSENT, NULL, NULL, "anna@a.test" },
		{ "dora@a.test", TABLES_USER, "dora@a.test", "dora@a.test",
		    "anna@a.test" },
		{ "dora@c.test", TABLES_USER, "dora@a.test", "dora@a.test",
		    "anna@a.test" },
		{ "x@b.test", TABLES_USER, "x@a.test", "x@a.test",
		    "anna@a.test" },
		{ "x+y@b.test", TABLES_ABSENT, NULL, NULL, "x@a.test" },
		{ "eve@e.test", TABLES_ABSENT, NULL, NULL, "eve@d.test" },
		{ "postmaster@b.test", TABLES_ALIAS, "anna@a.test",
		    "anna@a.test", "bert@a.test" },
	};
	struct buf name = BUF_INIT(ADDRESS_MAX), list = BUF_INIT(0),
	    why = BUF_INIT(0);
	struct tables *t;
	struct cursor c;
	struct row *r;
	struct set s;
	const char *p;
	size_t i, n;

	compile(texts);
	t = open_tables();
	assert_int_equal(load(&s, texts, &why), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (tables_address(t, rows[i].address, &name, &list) !=
		    rows[i].kind)
			fail_msg("%s", rows[i].address);
		if (rows[i].kind == TABLES_ALIAS) {
			cursor_init(&c, list.data, list.len);
			p = cursor_lv(&c, &n, ADDRESS_MAX);
			assert_non_null(p);
			buf_set(&name, "%.*s", (int)n, p);
		}
		if (rows[i].name != NULL)
			assert_string_equal(buf_str(&name), rows[i].name);
		if ((rows[i].owner != NULL && tables_owns(t, rows[i].owner,
		    rows[i].address) != LOOKUP_FOUND) || tables_owns(t,
		    rows[i].stranger, rows[i].address) != LOOKUP_ABSENT)
			fail_msg("the sender %s", rows[i].address);
		/* The compiler follows targets by the same rules. */
		if (strncmp(rows[i].address, "postmaster", 10) != 0 &&
		    set_find(&s, rows[i].address, &r) !=
		    (rows[i].kind == TABLES_USER ? SET_ACCOUNT :
		    rows[i].kind == TABLES_ALIAS ? SET_ALIAS : SET_NOBODY))
			fail_msg("set_find: %s", rows[i].address);
	}
	set_close(&s);
	tables_free(&t);
	buf_clear(&name);
	buf_clear(&list);
	buf_clear(&why);
}

static uint32_t
format_of(const char *file)
{
	struct buf why = BUF_INIT(0);
	struct map *m = map_cdb_open(file, 0, &why);
	struct cursor c;
	uint32_t format;
	const char *p;
	size_t n;

	assert_non_null(m);
	assert_int_equal(map_find(m, "f", 1, &p, &n), MAP_FOUND);
	assert_int_equal(n, 12);
	cursor_init(&c, p, n);
	format = cursor_u32(&c);
	map_free(&m);
	buf_clear(&why);
	return format;
}

/*
 * Rights are for readers that know them: an older one refuses the file. Where
 * none is taken away it reads it.
 */
static void
test_rights(void **state)
{
	static const struct {
		const char *line, *field;
		uint32_t auth, jail, flags;
	} rows[] = {
		{ "quota=1G", "", 1, 1, 0 },
		{ "protocols=* may-send=yes", "", 1, 1, 0 },
		{ "protocols=imap", ":protocols=imap", 2, 1, 0 },
		{ "protocols=none", ":protocols=none", 2, 1, 0 },
		{ "may-send=no", "", 1, 2, TABLES_SILENT },
	};
	const char *texts[TEXT_COUNT] = { [TEXT_DOMAINS] = "a.test",
		[TEXT_PASSWD] = "x@a.test:" HASH6 };
	struct buf why = BUF_INIT(0);
	struct tables_user u;
	struct tables *t;
	struct map *m;
	char line[100];
	const char *p;
	size_t i, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(line, sizeof(line), "x@a.test %s", rows[i].line);
		texts[TEXT_USERS] = line;
		compile(texts);
		assert_int_equal(format_of(hashes), rows[i].auth);
		assert_int_equal(format_of(path), rows[i].jail);
		t = open_tables();
		assert_int_equal(tables_user(t, "x@a.test", &u), LOOKUP_FOUND);
		assert_int_equal(u.flags, rows[i].flags |
		    (i == 0 ? 0 : TABLES_NO_QUOTA));
		tables_free(&t);
		m = map_cdb_open(hashes, 0, &why);
		assert_non_null(m);
		assert_int_equal(map_find(m, "x@a.test", 8, &p, &n),
		    MAP_FOUND);
		assert_int_equal(n, sizeof(HASH6) - 1 + strlen(rows[i].field));
		assert_memory_equal(p + sizeof(HASH6) - 1, rows[i].field,
		    strlen(rows[i].field));
		map_free(&m);
	}
	buf_clear(&why);
}

static void
write_full(const char *key)
{
	char file[1024];
	struct cdb_make m;
	int fd;

	snprintf(file, sizeof(file), "%s/jail/state", state_dir);
	assert_true(mkdir(file, 0755) == 0 || errno == EEXIST);
	snprintf(file, sizeof(file), "%s/jail/state/full.cdb", state_dir);
	fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0644);
	assert_int_not_equal(fd, -1);
	cdb_make_start(&m, fd);
	assert_int_equal(cdb_make_add(&m, key, (unsigned)strlen(key), "", 0),
	    0);
	assert_int_equal(cdb_make_finish(&m), 0);
	close(fd);
}

/* Bounds of a domain are for readers that know them; without any all read it. */
static void
test_domain_sums(void **state)
{
	static const struct {
		const char *domains;
		uint32_t format;
		uint64_t size, count;
	} rows[] = {
		{ "a.test\nb.test = alias a.test\n", 1, 0, 0 },
		{ "a.test domain_quota=0\nb.test = alias a.test\n", 1, 0, 0 },
		{ "a.test quota=1M domain_quota=2G,70\n"
		    "b.test = alias a.test\n", 4, (uint64_t)2 << 30, 70 },
		{ "a.test domain_quota=0,9\nb.test = alias a.test except=z\n",
		    4, 0, 9 },
	};
	const char *texts[TEXT_COUNT] = { [TEXT_USERS] = "x@a.test\n"
	    "y@b.test\nz@c.test" };
	char domains[200];
	struct tables_sum s;
	struct tables *t;
	size_t i;

	write_full("@a.test");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(domains, sizeof(domains), "%sc.test\n",
		    rows[i].domains);
		texts[TEXT_DOMAINS] = domains;
		compile(texts);
		/* The alias has a line of its own. */
		assert_int_equal(format_of(path), rows[i].format < 2 ? 2 :
		    rows[i].format);
		t = open_tables();
		assert_int_equal(tables_sums(t), rows[i].format == 4 ?
		    LOOKUP_FOUND : LOOKUP_ABSENT);
		assert_int_equal(tables_sum(t, "b.test", &s), LOOKUP_FOUND);
		assert_string_equal(s.domain, "a.test");
		assert_true(s.size == rows[i].size);
		assert_true(s.count == rows[i].count);
		assert_int_equal(tables_sum(t, "c.test", &s), LOOKUP_FOUND);
		assert_true(s.size == 0 && s.count == 0);
		assert_int_equal(tables_sum(t, "d.test", &s), LOOKUP_ABSENT);
		/* Full is who is in a domain that has bounds. */
		assert_int_equal(tables_full(t, "x@a.test"),
		    rows[i].format == 4 ? LOOKUP_FOUND : LOOKUP_ABSENT);
		assert_int_equal(tables_full(t, "y@b.test"),
		    rows[i].format == 4 ? LOOKUP_FOUND : LOOKUP_ABSENT);
		assert_int_equal(tables_full(t, "z@c.test"), LOOKUP_ABSENT);
		tables_free(&t);
	}
	snprintf(domains, sizeof(domains), "%s/jail/state/full.cdb",
	    state_dir);
	assert_int_equal(unlink(domains), 0);
	*strrchr(domains, '/') = '\0';
	assert_int_equal(rmdir(domains), 0);
}

/* What no line says is left to the settings; between groups the longer one. */
static void
test_granted_ages(void **state)
{
	static const char *const texts[TEXT_COUNT] = {
		[TEXT_DOMAINS] = "example.test expire_junk=7d\nother.test\n",
		[TEXT_USERS] = "own@example.test quota=0 pop3_keep=0d\n"
		    "two@example.test\nfar@other.test\n",
		[TEXT_GROUPS] = "a pop3_keep=2d expire_trash=30d : "
		    "own@example.test two@example.test\n"
		    "b pop3_keep=3d expire_trash=0d : two@example.test\n",
	};
	struct tables_user u;
	struct tables *t;

	compile(texts);
	t = open_tables();
	assert_int_equal(tables_user(t, "own@example.test", &u), LOOKUP_FOUND);
	assert_int_equal(u.flags, 0);
	assert_int_equal(u.pop3_keep, 0);
	assert_int_equal(u.expire_trash, 30 * 86400);
	assert_int_equal(u.expire_junk, 7 * 86400);
	assert_int_equal(tables_user(t, "two@example.test", &u), LOOKUP_FOUND);
	assert_int_equal(u.flags, TABLES_NO_QUOTA);
	assert_int_equal(u.pop3_keep, 3 * 86400);
	assert_int_equal(u.expire_trash, 0);
	assert_int_equal(tables_user(t, "far@other.test", &u), LOOKUP_FOUND);
	assert_int_equal(u.flags, TABLES_NO_QUOTA);
	assert_true(u.pop3_keep == TABLES_UNSAID);
	assert_true(u.expire_trash == TABLES_UNSAID);
	assert_true(u.expire_junk == TABLES_UNSAID);
	tables_free(&t);
}

/* A tables.cdb that has nothing but its format. */
static void
write_format(int dirfd, uint32_t format)
{
	int fd = openat(dirfd, "jail/new", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct buf value = BUF_INIT(0);
	struct cdb_make m;

	buf_put_u32(&value, format);
	assert_int_equal(cdb_make_start(&m, fd), 0);
	assert_int_equal(cdb_make_add(&m, "f", 1, value.data,
	    (unsigned)value.len), 0);
	assert_int_equal(cdb_make_finish(&m), 0);
	close(fd);
	assert_int_equal(renameat(dirfd, "jail/new", dirfd,
	    "jail/tables.cdb"), 0);
	buf_clear(&value);
}

/* What a newer program compiled is no "no" of this one. */
static void
test_newer(void **state)
{
	int dirfd = open(state_dir, O_RDONLY | O_DIRECTORY);
	struct tables *t = open_good(), *fresh;
	struct buf why = BUF_INIT(0);

	write_format(dirfd, TABLES_FORMAT + 1);
	tables_refresh(t);
	assert_int_equal(tables_domain(t, "example.test", NULL), LOOKUP_FOUND);
	assert_int_equal(tables_domain(t, "new.test", NULL), LOOKUP_ERROR);
	fresh = tables_open(path, &why);
	assert_null(fresh);
	assert_non_null(strstr(buf_str(&why), "does not know"));
	write_format(dirfd, TABLES_FORMAT);
	tables_refresh(t);
	assert_int_equal(tables_domain(t, "example.test", NULL),
	    LOOKUP_ABSENT);
	compile(good);
	tables_refresh(t);
	assert_int_equal(tables_domain(t, "example.test", NULL), LOOKUP_FOUND);
	close(dirfd);
	tables_free(&t);
	buf_clear(&why);
}

/*
 * A replaced file is seen; a broken one leaves the one before in use, but what
 * is not in that is no "no".
 */
static void
test_refresh(void **state)
{
	static const char *const more[TEXT_COUNT] = {
		[TEXT_DOMAINS] = "new.test\n", [TEXT_USERS] = "x@new.test\n",
		[TEXT_PASSWD] = "", [TEXT_ALIASES] = "",
	};
	struct tables *t = open_good();
	struct buf name = BUF_INIT(0), list = BUF_INIT(0);
	int dirfd;

	compile(more);
	assert_int_equal(tables_domain(t, "new.test", NULL), LOOKUP_ABSENT);
	tables_refresh(t);
	assert_int_equal(tables_domain(t, "new.test", NULL), LOOKUP_FOUND);
	assert_int_equal(tables_domain(t, "example.test", NULL), LOOKUP_ABSENT);
	/* Nobody was named: postmaster is the first account. */
	assert_int_equal(tables_address(t, "abuse@new.test", &name, &list),
	    TABLES_ALIAS);

	dirfd = open(state_dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(fd_replace(dirfd, "jail/tables.cdb", 0644, "x", 1),
	    0);
	tables_refresh(t);
	tables_refresh(t);
	assert_int_equal(tables_domain(t, "new.test", NULL), LOOKUP_FOUND);
	assert_int_equal(tables_domain(t, "example.test", NULL), LOOKUP_ERROR);
	assert_int_equal(tables_address(t, "y@new.test", &name, &list),
	    TABLES_ERROR);
	compile(good);
	tables_refresh(t);
	assert_int_equal(tables_domain(t, "new.test", NULL), LOOKUP_ABSENT);
	assert_int_equal(tables_domain(t, "example.test", NULL), LOOKUP_FOUND);
	close(dirfd);
	tables_free(&t);
	buf_clear(&name);
	buf_clear(&list);
}

static void
test_check(void **state)
{
	static const struct {
		const char *text[TEXT_COUNT], *why, *warn;
	} rows[] = {
		{ { "a.test = alias b.test", "", "", "" },
		    "/etc/domains:1: a.test: alias of b.test, which is not",
		    NULL },
		{ { "a.test = alias b.test\nb.test = alias a.test", "", "",
		    "" }, "/etc/domains:1: ", NULL },
		{ { "a.test", "x@b.test", "", "" },
		    "/etc/users:1: x@b.test: domain b.test is not", NULL },
		{ { "a.test\nb.test = alias a.test", "x@a.test", "",
		    "@b.test = x@a.test" },
		    "/etc/aliases:1: @b.test: b.test is an alias", NULL },
		{ { "a.test\nb.test = alias a.test", "x@a.test", "",
		    "y-*@b.test = x@a.test" },
		    "/etc/aliases:1: y-*@b.test: b.test is an alias", NULL },
		{ { "a.test\nb.test = alias a.test except=x", "x@a.test\n"
		    "x@b.test", "", "" },
		    "/etc/domains:2: x@b.test is excepted here and", NULL },
		{ { "a.test\nb.test = alias a.test except=x", "x@a.test", "",
		    "y@a.test = x@b.test" },
		    "/etc/aliases:1: y@a.test leads to x@b.test, which", NULL },
		{ { "a.test", "x@a.test", [TEXT_GROUPS] = "g : x@a.test\n"
		    "h : x@a.test z@a.test" },
		    "/etc/groups:2: h: z@a.test is no account", NULL },
		{ { "a.test", "x@a.test", "", "x@a.test = y@z.test" },
		    "/etc/aliases:1: x@a.test is an account (users:1)", NULL },
		{ { "a.test", "", "", "x@a.test = y@a.test" },
		    "/etc/aliases:1: x@a.test leads to y@a.test, which is n",
		    NULL },
		{ { "a.test", "x@a.test", "", "@a.test = x@a.test\n"
		    "q@a.test = y@a.test" }, NULL, NULL },
		{ { "a.test", "", "", "x@a.test = y@a.test\n"
		    "y@a.test = x@a.test\n" },
		    "/etc/aliases:1: x@a.test leads to itself", NULL },
		{ { "a.test", "", "", "x@a.test = x+1@a.test\n" },
		    "/etc/aliases:1: x@a.test leads to itself", NULL },
		{ { "a.test", "", "", "x@a.test = y@a.test, o@z.test\n"
		    "y@a.test = x@a.test\n" }, NULL, "leads to itself" },
		{ { "a.test", "u@a.test", "", "x@a.test = y@a.test\n"
		    "y@a.test = x@a.test, u@a.test\n" }, NULL,
		    "leads to itself" },
		{ { "a.test", "x@a.test", "", "postmaster = x@a.test" }, NULL,
		    "/etc/users:1: x@a.test has no password" },
		{ { "a.test", "", "x@a.test:" HASH6, "" }, NULL,
		    "/etc/passwd:1: x@a.test is not in users" },
		{ { "a.test", "", "", "" }, NULL, "no \"postmaster = " },
	};
	struct buf why = BUF_INIT(0), warn = BUF_INIT(0);
	struct set s;
	size_t i;
	int r;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&why);
		assert_int_equal(load(&s, rows[i].text, &why), 0);
		r = set_check(&s, &why, &warn);
		if (r != (rows[i].why == NULL ? 0 : -1))
			fail_msg("row %zu: %s", i, buf_str(&why));
		if (rows[i].why != NULL && strncmp(buf_str(&why), rows[i].why,
		    strlen(rows[i].why)) != 0)
			fail_msg("row %zu: %s", i, buf_str(&why));
		if (rows[i].warn != NULL &&
		    strstr(buf_str(&warn), rows[i].warn) == NULL)
			fail_msg("row %zu: %s", i, buf_str(&warn));
		set_close(&s);
	}
	buf_clear(&why);
	buf_clear(&warn);
}

/* As many aliases in a row as queue follows, and one more. */
static void
test_depth(void **state)
{
	const char *text[TEXT_COUNT] = { "a.test", "u@a.test", "", NULL };
	struct buf why = BUF_INIT(0), warn = BUF_INIT(0), b = BUF_INIT(0);
	struct set s;
	int i, n;

	for (n = ALIAS_DEPTH; n <= ALIAS_DEPTH + 1; n++) {
		buf_reset(&b);
		for (i = 1; i < n; i++)
			buf_printf(&b, "x%d@a.test = x%d@a.test\n", i, i + 1);
		buf_printf(&b, "x%d@a.test = u@a.test\n", n);
		text[TEXT_ALIASES] = buf_str(&b);
		assert_int_equal(load(&s, text, &why), 0);
		assert_int_equal(set_check(&s, &why, &warn),
		    n > ALIAS_DEPTH ? -1 : 0);
		assert_int_equal(strncmp(buf_str(&why),
		    "/etc/aliases:1: x1@a.test leads", 31) == 0,
		    n > ALIAS_DEPTH);
		set_close(&s);
	}
	buf_clear(&b);
	buf_clear(&why);
	buf_clear(&warn);
}

/* Asks a damaged file everything: any answer will do, a crash will not. */
static void
ask(const char *file)
{
	static const char *const who[] = { "anna@example.test",
		"anna+x@example.com", "sales@example.test", "q@catch.test",
		"postmaster", "nobody@other.test", "bob@example.test" };
	struct buf why = BUF_INIT(0), name = BUF_INIT(ADDRESS_MAX),
	    list = BUF_INIT(1 << 20);
	struct tables_user u;
	struct tables *t;
	size_t i;

	t = tables_open(file, &why);
	for (i = 0; t != NULL && i < sizeof(who) / sizeof(who[0]); i++) {
		(void)tables_address(t, who[i], &name, &list);
		(void)tables_user(t, who[i], &u);
		(void)tables_owns(t, "carl@catch.test", who[i]);
	}
	tables_free(&t);
	buf_clear(&why);
	buf_clear(&name);
	buf_clear(&list);
}

static void
test_damaged(void **state)
{
	struct buf whole = BUF_INIT(0);
	struct map *old;
	const char *p;
	struct buf why = BUF_INIT(0);
	size_t n, bit;
	int dirfd, fd;
	char other[120];

	compile(good);
	fd = open(path, O_RDONLY);
	assert_int_equal(fd_slurp(fd, &whole), 0);
	close(fd);
	dirfd = open(state_dir, O_RDONLY | O_DIRECTORY);
	snprintf(other, sizeof(other), "%s/jail/damaged.cdb", state_dir);
	for (n = 0; n <= whole.len; n++) {
		fd = openat(dirfd, "jail/damaged.cdb",
		    O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert_int_equal(fd_write_all(fd, whole.data, n), 0);
		close(fd);
		ask(other);
	}
	for (bit = 0; bit < whole.len * 8; bit += bit < 2048 * 8 ? 37 : 1) {
		whole.data[bit / 8] ^= (char)(1 << (bit % 8));
		fd = openat(dirfd, "jail/damaged.cdb",
		    O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert_int_equal(fd_write_all(fd, whole.data, whole.len), 0);
		close(fd);
		whole.data[bit / 8] ^= (char)(1 << (bit % 8));
		ask(other);
	}
	unlinkat(dirfd, "jail/damaged.cdb", 0);
	/* A reader keeps the file it opened while it is replaced. */
	old = map_cdb_open(path, 0, &why);
	compile(good);
	assert_int_equal(map_find(old, "dexample.test", 13, &p, &n),
	    MAP_FOUND);
	map_free(&old);
	close(dirfd);
	buf_clear(&whole);
	buf_clear(&why);
}

static void
test_missing(void **state)
{
	struct buf why = BUF_INIT(0);
	struct tables *t = tables_open("/nonexistent/tables.cdb", &why);
	struct map *m;
	const char *p;
	size_t n;

	assert_null(t);
	assert_int_equal(strncmp(buf_str(&why), "/nonexistent/", 13), 0);
	m = map_cdb_open("/nonexistent/x.cdb", 1, &why);
	assert_non_null(m);
	assert_int_equal(map_find(m, "x", 1, &p, &n), MAP_ABSENT);
	assert_int_equal(map_refresh(m), 0);
	map_free(&m);
	m = map_cdb_open("/dev/null", 0, &why);
	assert_null(m);
	m = map_cdb_open("/", 0, &why);
	assert_null(m);
	buf_clear(&why);
}

static int
setup(void **state)
{
	char sub[96];

	log_init("test_tables", 1);
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(state_dir, sizeof(state_dir), "%s", dir);
	snprintf(path, sizeof(path), "%s/jail/tables.cdb", dir);
	snprintf(hashes, sizeof(hashes), "%s/auth/passwd.cdb", dir);
	snprintf(sub, sizeof(sub), "%s/jail", dir);
	if (mkdir(sub, 0755) == -1)
		return -1;
	snprintf(sub, sizeof(sub), "%s/auth", dir);
	return mkdir(sub, 0755);
}

static int
teardown(void **state)
{
	char sub[96];

	unlink(path);
	unlink(hashes);
	snprintf(sub, sizeof(sub), "%s/jail", dir);
	rmdir(sub);
	snprintf(sub, sizeof(sub), "%s/auth", dir);
	rmdir(sub);
	return rmdir(dir);
}

/* The line of an account at a provider: its bounds, and what is no bound. */
static void
test_collect_line(void **state)
{
#define OF	"imap host=imap.test login=anna to=anna@b.test "
	static const struct {
		const char *value;
		int password;	/* of that many octets behind it, or 0 */
		int want;
	} t[] = {
		{ OF "keep=1d", 4, 0 },
		{ OF "keep=0d", 4, -1 },
		{ OF "keep=24h", 4, -1 },
		{ OF "keep=3650d", 4, 0 },
		{ OF "keep=confirmed", 4, 0 },
		{ OF "keep=some", 4, -1 },
		{ OF, SECRET_MAX, 0 },
		{ OF, SECRET_MAX + 1, -1 },
		{ OF, 0, -1 },
	};
	struct collect_account *a = mem_zalloc(1, sizeof(*a));
	struct buf value = BUF_INIT(10000), why = BUF_INIT(1000);
	char name[] = "home";
	struct row r = { .key = name };
	size_t i;
	int k;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_set(&value, "%s", t[i].value);
		if (t[i].password > 0)
			buf_puts(&value, " password=");
		for (k = 0; k < t[i].password; k++)
			buf_puts(&value, "x");
		r.value = value.data;
		if (collect_of(&r, a, &why) != t[i].want)
			fail_msg("%s, %d", t[i].value, t[i].password);
	}
	buf_clear(&value);
	buf_clear(&why);
	free(a);
#undef OF
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_collect_line),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_catch_all),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_wildcards),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_owns),
		cmocka_unit_test(test_user), cmocka_unit_test(test_grants),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_domain_sums),
		cmocka_unit_test(test_alias_domain),
		cmocka_unit_test(test_granted_ages),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_newer),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_missing),
	};

	return cmocka_run_group_tests_name("tables", tests, setup, teardown);
}
