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

#include "ctl/ctl_hash.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_text.h"
#include "lib/mail/credential.h"
#include "lib/mail/limits.h"
#include "tests/ctl/hash6.h"

static void
test_names(void **state)
{
	static const struct {
		const char *in, *want;	/* NULL: refused */
		enum name_kind kind;
	} rows[] = {
		{ "Anna@Example.TEST", "anna@example.test", NAME_ACCOUNT },
		{ "o'neil@x.test", "o'neil@x.test", NAME_ACCOUNT },
		{ "a+b@x.test", NULL, NAME_ACCOUNT },
		{ "a+b@x.test", "a+b@x.test", NAME_ALIAS },
		{ "../x@x.test", NULL, NAME_ACCOUNT },
		{ "a/b@x.test", NULL, NAME_ACCOUNT },
		{ ".a@x.test", NULL, NAME_ACCOUNT },
		{ "a.@x.test", NULL, NAME_ACCOUNT },
		{ "a..b@x.test", NULL, NAME_ACCOUNT },
		{ "A..b@x.test", "\"A..b\"@x.test", NAME_TARGET },
		{ "A..b@X.test.", "\"a..b\"@x.test", NAME_ALIAS },
		{ ".a@x.test", "\".a\"@x.test", NAME_ALIAS },
		{ "a.@x.test", "\"a.\"@x.test", NAME_TARGET },
		{ "\"a..b\"@x.test", NULL, NAME_TARGET },
		{ "a.. b@x.test", NULL, NAME_TARGET },
		{ "a..b@[127.0.0.1]", NULL, NAME_TARGET },
		{ "anna", NULL, NAME_ACCOUNT },
		{ "@x.test", NULL, NAME_ACCOUNT },
		{ "@X.test", "@x.test", NAME_ALIAS },
		{ "*@X.test", "@x.test", NAME_ALIAS },
		{ "*@", NULL, NAME_ALIAS },
		{ "*", NULL, NAME_ALIAS },
		{ "**@x.test", "**@x.test", NAME_ALIAS },
		{ "*@x.test", "*@x.test", NAME_TARGET },
		{ "*@x.test", NULL, NAME_ACCOUNT },
		{ "PostMaster", "postmaster", NAME_ALIAS },
		{ "abuse", "abuse", NAME_ALIAS },
		{ "abuse", NULL, NAME_TARGET },
		{ "root", NULL, NAME_ALIAS },
		{ "a@b@x.test", NULL, NAME_TARGET },
		{ "|/bin/sh@x.test", "|/bin/sh@x.test", NAME_TARGET },
		{ "a b@x.test", NULL, NAME_TARGET },
		{ "a@", NULL, NAME_TARGET },
		{ "a@-x.test", NULL, NAME_TARGET },
		{ "a@x-.test", NULL, NAME_TARGET },
		{ "a@x..test", NULL, NAME_TARGET },
		{ "a@.x", NULL, NAME_TARGET },
		{ "a@x.", "a@x", NAME_TARGET },
		{ "a@x..", NULL, NAME_TARGET },
		{ "a@x_y.test", "a@x_y.test", NAME_TARGET },
		{ "a@[127.0.0.1]", NULL, NAME_TARGET },
		{ "a@B\xc3\xbc" "cher.test", "a@xn--bcher-kva.test",
		    NAME_ACCOUNT },
		{ "a@xn--bcher-kva.test", "a@xn--bcher-kva.test",
		    NAME_ACCOUNT },
		{ "\xc3\xa4@x.test", NULL, NAME_ACCOUNT },
		{ "a@\xc3\x28.test", NULL, NAME_ACCOUNT },
		{ "", NULL, NAME_TARGET },
	};
	static const struct {
		const char *in, *words;
	} faults[] = {
		{ "a..b@x.test", "dots at an end or side by side; make it an "
		    "alias" },
		{ "a+b@x.test", "(letters, digits and . - _ = & ' ~)" },
		{ "@x.test", "nothing stands before the @" },
		{ "12345678901234567890123456789012345678901234567890123456789"
		    "012345@x.test", "more than 64 octets before the @" },
	};
	struct buf out = BUF_INIT(ADDRESS_MAX), why = BUF_INIT(0);
	size_t i;
	int r;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		assert_int_equal(name_address(faults[i].in,
		    strlen(faults[i].in), NAME_ACCOUNT, &out, &why), -1);
		if (strstr(buf_str(&why), faults[i].words) == NULL)
			fail_msg("%s", buf_str(&why));
	}
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		r = name_address(rows[i].in, strlen(rows[i].in),
		    rows[i].kind, &out, &why);
		if (rows[i].want == NULL) {
			if (r != -1)
				fail_msg("taken: %s", rows[i].in);
			continue;
		}
		if (r != 0)
			fail_msg("%s: %s", rows[i].in, buf_str(&why));
		assert_string_equal(buf_str(&out), rows[i].want);
	}
	buf_clear(&out);
	buf_clear(&why);
}

static void
test_name_bounds(void **state)
{
	char a[400], d[300];
	struct buf out = BUF_INIT(ADDRESS_MAX), why = BUF_INIT(0);

	memset(a, 'a', sizeof(a));
	strcpy(a + 64, "@x.test");
	assert_int_equal(name_address(a, strlen(a), NAME_ACCOUNT, &out, &why),
	    0);
	memset(a, 'a', sizeof(a));
	strcpy(a + 65, "@x.test");
	assert_int_equal(name_address(a, strlen(a), NAME_ACCOUNT, &out, &why),
	    -1);
	memset(d, 'd', sizeof(d));
	strcpy(d + 63, ".test");
	buf_reset(&out);
	assert_int_equal(name_domain(d, strlen(d), &out, &why), 0);
	memset(d, 'd', sizeof(d));
	strcpy(d + 64, ".test");
	assert_int_equal(name_domain(d, strlen(d), &out, &why), -1);
	buf_clear(&out);
	buf_clear(&why);
}

static void
test_sizes(void **state)
{
	static const struct {
		const char *in;
		int	 r;
		uint64_t v;
	} rows[] = {
		{ "0", 0, 0 }, { "17", 0, 17 }, { "10K", 0, 10240 },
		{ "25m", 0, 25u << 20 }, { "2G", 0, (uint64_t)2 << 30 },
		{ "1T", 0, (uint64_t)1 << 40 }, { "K", -1, 0 },
		{ "", -1, 0 }, { "-1", -1, 0 }, { "1.5G", -1, 0 },
		{ "18446744073709551615", -1, 0 }, { "99999999T", -1, 0 },
	};
	uint64_t v;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		v = 0;
		assert_int_equal(name_size(rows[i].in, strlen(rows[i].in),
		    &v), rows[i].r);
		if (rows[i].r == 0)
			assert_true(v == rows[i].v);
	}
}

/* Every bad line is named with its number, and the others are not. */
static void
test_bad_lines(void **state)
{
	static const struct {
		enum text_id id;
		const char *in, *why;
	} rows[] = {
		{ TEXT_DOMAINS, "# x\na.test\nb test\n", "/etc/domains:3: " },
		{ TEXT_DOMAINS, "a.test = b.test", "/etc/domains:1: " },
		{ TEXT_DOMAINS, "a.test = alias", "/etc/domains:1: " },
		{ TEXT_DOMAINS, "a.test = alias ", "/etc/domains:1: " },
		{ TEXT_DOMAINS, "a.test\n\nA.Test\n",
		    "/etc/domains:3: a.test is already in domains, line 1" },
		{ TEXT_USERS, "anna\n", "/etc/users:1: " },
		{ TEXT_USERS, "a@x.test quota=2X", "/etc/users:1: quota: " },
		{ TEXT_USERS, "a@x.test quota=", "/etc/users:1: quota: " },
		{ TEXT_USERS, "a@x.test quota=1,x", "/etc/users:1: quota: " },
		{ TEXT_USERS, "a@x.test admin", "/etc/users:1: admin: " },
		{ TEXT_USERS, "a@x.test quota=1 quota=2",
		    "/etc/users:1: quota stands twice" },
		{ TEXT_USERS, "a@x.test protocols=smtp",
		    "/etc/users:1: protocols: imap, pop3 and" },
		{ TEXT_USERS, "a@x.test may-send=maybe",
		    "/etc/users:1: may-send: neither" },
		{ TEXT_DOMAINS, "b.test = alias a.test quota=1",
		    "/etc/domains:1: quota=1: not known (except" },
		{ TEXT_DOMAINS, "b.test = alias a.test except=",
		    "/etc/domains:1: except: \"\" is no" },
		{ TEXT_DOMAINS, "b.test = alias a.test except=x,",
		    "/etc/domains:1: except: \"\" is no" },
		{ TEXT_DOMAINS, "b.test = alias a.test except=x@y",
		    "/etc/domains:1: except: \"x@y\" is no" },
		{ TEXT_DOMAINS, "b.test = alias a.test except=*",
		    "/etc/domains:1: except: \"*\" is no" },
		{ TEXT_DOMAINS, "b.test = alias a.test except=x y",
		    "/etc/domains:1: y: not known (except" },
		{ TEXT_DOMAINS, "a.test quota=x", "/etc/domains:1: quota: " },
		{ TEXT_DOMAINS, "a.test domain_quota=x",
		    "/etc/domains:1: domain_quota: not a size" },
		{ TEXT_DOMAINS, "a.test domain_quota=1,4294967296",
		    "/etc/domains:1: domain_quota: not a number" },
		{ TEXT_DOMAINS, "a.test domain_quota=99999999999999T",
		    "/etc/domains:1: domain_quota: not a size" },
		{ TEXT_DOMAINS, "b.test = alias a.test domain_quota=1",
		    "/etc/domains:1: domain_quota=1: not known (except" },
		{ TEXT_USERS, "a@x.test domain_quota=1",
		    "/etc/users:1: domain_quota=1: not known" },
		{ TEXT_DOMAINS, "a.test b=1", "/etc/domains:1: b=1: not kn" },
		{ TEXT_DOMAINS, "a.test quota=1 = alias b.test",
		    "/etc/domains:1: =: not known" },
		{ TEXT_GROUPS, "staff", "/etc/groups:1: expected " },
		{ TEXT_GROUPS, ": a@x.test", "/etc/groups:1: : not a group" },
		{ TEXT_GROUPS, "-a :", "/etc/groups:1: -a: not a group's" },
		{ TEXT_GROUPS, "a b : ", "/etc/groups:1: b: not known (q" },
		{ TEXT_GROUPS, "a : b", "/etc/groups:1: b: not an address" },
		{ TEXT_GROUPS, "a : b@x.test, c@x.test", "/etc/groups:1: " },
		{ TEXT_GROUPS, "a :\nA :", "/etc/groups:2: a is already in" },
		{ TEXT_PASSWD, "a@x.test", "/etc/passwd:1: " },
		{ TEXT_PASSWD, "a@x.test:secret", "/etc/passwd:1: " },
		{ TEXT_PASSWD, "a@x.test:$argon2id$v=19$m=1,t=1,p=1$YQ$YQ",
		    "/etc/passwd:1: a@x.test: argon2" },
		{ TEXT_PASSWD, "a@x.test:{ARGON2ID}$argon2id$x",
		    "/etc/passwd:1: a@x.test: argon2" },
		{ TEXT_PASSWD, "a@x.test:{SSHA512}!!", "/etc/passwd:1: " },
		{ TEXT_PASSWD, "a@x.test:", "/etc/passwd:1: a@x.test: exp" },
		{ TEXT_PASSWD, "a@x.test::crypt=" HASH6,
		    "/etc/passwd:1: a@x.test: exp" },
		{ TEXT_PASSWD, "a@x.test:crypt=", "/etc/passwd:1: " },
		{ TEXT_PASSWD, "a@x.test:crypt=secret", "/etc/passwd:1: " },
		{ TEXT_PASSWD, "a@x.test:crypt=" HASH6 ":",
		    "/etc/passwd:1: a@x.test: expected TAG=VALUE" },
		{ TEXT_PASSWD, "a@x.test:" HASH6 ":crypt=" HASH6,
		    "/etc/passwd:1: a@x.test: two hashes" },
		{ TEXT_PASSWD, "a@x.test:scram-sha-256=4096,a,b,c",
		    "/etc/passwd:1: a@x.test: SCRAM keys" },
		{ TEXT_PASSWD, "a@x.test:app=a,imap,1," HASH6 ":app=a,*,2,"
		    HASH6, "/etc/passwd:1: a@x.test: two app passwords" },
		{ TEXT_DKIM, "s._domainkey.x.test = new 2026-11-30 S3cret",
		    "/etc/dkim:1: expected a key, PKCS #8 in base64" },
		/* A "=" that is the key's: nothing of it is shown. */
		{ TEXT_DKIM, "s._domainkey.x.test new 2026-11-30 S3cret==",
		    "/etc/dkim:1: expected \"SELECTOR._domainkey.DOMAIN = " },
		{ TEXT_DKIM, "s._domainkey.x.test\tnew 2026-11-30 S3cret==",
		    "/etc/dkim:1: expected \"SELECTOR._domainkey.DOMAIN = " },
		{ TEXT_PASSWD, "a@x.test:app=a,imap,1,$6$",
		    "/etc/passwd:1: a@x.test: a damaged" },
		{ TEXT_PASSWD, "a@x.test:app=a,imap," HASH6,
		    "/etc/passwd:1: a@x.test: expected" },
		{ TEXT_ALIASES, "a@x.test", "/etc/aliases:1: " },
		{ TEXT_ALIASES, "a@x.test =", "/etc/aliases:1: a target" },
		{ TEXT_ALIASES, "a@x.test = b@x.test,", "/etc/aliases:1: a t" },
		{ TEXT_ALIASES, "a@x.test = |/bin/sh", "/etc/aliases:1: " },
		{ TEXT_ALIASES, "a@x.test = :include:/x", "/etc/aliases:1: " },
		{ TEXT_ALIASES, "a@x.test = /etc/passwd", "/etc/aliases:1: " },
		{ TEXT_ALIASES, "a@x.test = b@\x01.test", "/etc/aliases:1: " },
		{ TEXT_ALIASES, "a@x.test = b@x\r\r.test", "/etc/aliases:1: " },
	};
	struct buf why = BUF_INIT(0);
	struct text t;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		text_init(&t, ctl_tables[rows[i].id]);
		buf_reset(&why);
		if (text_parse(&t, "/etc", rows[i].in, strlen(rows[i].in),
		    &why) != -1)
			fail_msg("taken: %s", rows[i].in);
		if (strncmp(buf_str(&why), rows[i].why,
		    strlen(rows[i].why)) != 0)
			fail_msg("%s: said %s", rows[i].in, buf_str(&why));
		assert_null(strchr(buf_str(&why), '\n'));
		assert_null(strstr(buf_str(&why), "S3cret"));
		text_clear(&t);
	}
	buf_clear(&why);
}

/* An account has so many app passwords, and not one more. */
static void
test_app_bounds(void **state)
{
	struct buf in = BUF_INIT(0), why = BUF_INIT(0);
	struct text t;
	int more, i;

	for (more = 0; more < 2; more++) {
		buf_reset(&in);
		buf_puts(&in, "a@x.test:crypt=" HASH6);
		for (i = 0; i < CREDENTIAL_APPS + more; i++)
			buf_printf(&in, ":app=a%d,imap,1," HASH6, i);
		text_init(&t, ctl_tables[TEXT_PASSWD]);
		buf_reset(&why);
		assert_int_equal(text_parse(&t, "/etc", in.data, in.len,
		    &why), more ? -1 : 0);
		assert_int_equal(strstr(buf_str(&why), "more than 16 app "
		    "passwords") != NULL, more);
		text_clear(&t);
	}
	buf_clear(&in);
	buf_clear(&why);
}

/* The longest line is taken, and blanks about it do not count. */
static void
test_line_bounds(void **state)
{
	struct buf in = BUF_INIT(0), why = BUF_INIT(0);
	struct text t;
	int more;

	for (more = 0; more < 2; more++) {
		buf_reset(&in);
		buf_puts(&in, " a@x.test");
		while (in.len < 1 + TEXT_LINE_MAX - 8 + (size_t)more)
			buf_putc(&in, ' ');
		buf_puts(&in, "disabled  \n");
		text_init(&t, ctl_tables[TEXT_USERS]);
		buf_reset(&why);
		assert_int_equal(text_parse(&t, "/etc", in.data, in.len,
		    &why), more ? -1 : 0);
		assert_int_equal(strstr(buf_str(&why), "longer than 65536 "
		    "octets") != NULL, more);
		text_clear(&t);
	}
	buf_clear(&in);
	buf_clear(&why);
}

static void
test_complaints_bounded(void **state)
{
	struct buf in = BUF_INIT(0), why = BUF_INIT(0);
	size_t i, n = 0;
	struct text t;

	for (i = 0; i < 1000; i++)
		buf_puts(&in, "bad line\n");
	text_init(&t, ctl_tables[TEXT_USERS]);
	assert_int_equal(text_parse(&t, "x", in.data, in.len, &why), -1);
	for (i = 0; i < why.len; i++)
		n += why.data[i] == '\n';
	assert_int_equal(n, TEXT_COMPLAINTS);
	text_clear(&t);
	buf_clear(&in);
	buf_clear(&why);
}

/* An edit changes its line; comments, blanks, order and spacing stay. */
static void
test_edit(void **state)
{
	static const char in[] =
	    "# people\n\n  anna@x.test   quota=2G,10000\n# bob left\n"
	    "bob@x.test\n\t# end\nüber\n";
	static const char users[] =
	    "# people\n\n  anna@x.test   quota=2G,10000\n# bob left\n"
	    "bob@x.test\n\t# end\n";
	struct buf out = BUF_INIT(0), why = BUF_INIT(0);
	struct row *r;
	struct text t;

	text_init(&t, ctl_tables[TEXT_USERS]);
	assert_int_equal(text_parse(&t, "x", in, strlen(in), &why), -1);
	text_clear(&t);
	assert_int_equal(text_parse(&t, "x", users, strlen(users), &why), 0);
	text_print(&t, &out);
	assert_string_equal(buf_str(&out), users);
	r = text_find(&t, "anna@x.test");
	assert_non_null(r);
	assert_true(r->grants.value[GRANT_QUOTA][0] == (uint64_t)2 << 30);
	assert_int_equal(r->grants.value[GRANT_QUOTA][1], 10000);

	assert_int_equal(text_add(&t, "ANNA@x.test", &why), -1);
	assert_int_equal(text_add(&t, "carl@x.test disabled", &why), 0);
	assert_int_equal(text_set(&t, "bob@x.test", "bob@x.test quota=1K",
	    &why), 0);
	assert_int_equal(text_set(&t, "bob@x.test", "carl@x.test", &why), -1);
	assert_int_equal(text_set(&t, "dora@x.test", "dora@x.test", &why), -1);
	assert_int_equal(text_del(&t, "anna@x.test"), 0);
	assert_int_equal(text_del(&t, "anna@x.test"), -1);
	assert_null(text_find(&t, "anna@x.test"));
	buf_reset(&out);
	text_print(&t, &out);
	assert_string_equal(buf_str(&out),
	    "# people\n\n# bob left\nbob@x.test quota=1K\n\t# end\n"
	    "carl@x.test disabled\n");
	assert_true(t.dirty);
	text_clear(&t);
	buf_clear(&out);
	buf_clear(&why);
}

/* What is no entry is not added, and takes no entry's place. */
static void
test_no_entry(void **state)
{
	static const struct {
		const char *line, *why;
	} rows[] = {
		{ "", "an empty line" }, { " \t", "an empty line" },
		{ "\r", "an empty line" },
		{ "#x.test", "#x.test: an entry cannot begin with \"#\"" },
		{ " # x", " # x: an entry cannot" },
		{ "#\nx.test", "#" },
	};
	struct buf out = BUF_INIT(0), why = BUF_INIT(0);
	struct text t;
	size_t i;

	text_init(&t, ctl_tables[TEXT_DOMAINS]);
	assert_int_equal(text_parse(&t, "x", "a.test\n", 7, &why), 0);
	for (i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&why);
		assert_int_equal(i % 2 ?
		    text_set(&t, "a.test", rows[i / 2].line, &why) :
		    text_add(&t, rows[i / 2].line, &why), -1);
		if (strncmp(buf_str(&why), rows[i / 2].why,
		    strlen(rows[i / 2].why)) != 0)
			fail_msg("%s: said %s", rows[i / 2].line,
			    buf_str(&why));
		assert_null(strchr(buf_str(&why), '\n'));
	}
	assert_false(t.dirty);
	text_print(&t, &out);
	assert_string_equal(buf_str(&out), "a.test\n");
	text_clear(&t);
	buf_clear(&out);
	buf_clear(&why);
}

static void
test_save(void **state)
{
	char dir[] = "/tmp/rp-test-text-XXXXXX";
	struct buf why = BUF_INIT(0);
	struct stat st;
	struct text t;
	int dirfd;

	assert_non_null(mkdtemp(dir));
	dirfd = open(dir, O_RDONLY | O_DIRECTORY);
	text_init(&t, ctl_tables[TEXT_PASSWD]);
	assert_int_equal(text_load(&t, dirfd, dir, &why), 0);
	assert_int_equal(t.n, 0);
	assert_int_equal(text_add(&t, "a@x.test:" HASH6, &why), 0);
	assert_int_equal(text_stage(&t, dirfd), 0);
	assert_int_equal(renameat(dirfd, "passwd.new", dirfd, "passwd"), 0);
	assert_int_equal(fstatat(dirfd, "passwd", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	text_clear(&t);
	assert_int_equal(text_load(&t, dirfd, dir, &why), 0);
	assert_non_null(text_find(&t, "a@x.test"));
	text_clear(&t);
	unlinkat(dirfd, "passwd", 0);
	close(dirfd);
	rmdir(dir);
	buf_clear(&why);
}

/* Lines of passwd that are right, and which hash is the account's. */
static void
test_credentials(void **state)
{
	static const char text[] = "a@x.test:" HASH6 "\n"
	    "b@x.test: crypt=" HASH6 "\n"
	    "c@x.test:app=phone,imap,1700000000," HASH6 "\n"
	    "d@x.test:totp=abc:crypt=" HASH6 ":app=x y,*,1," HASH6 "\n";
	struct buf why = BUF_INIT(0), out = BUF_INIT(0);
	struct text t;

	text_init(&t, ctl_tables[TEXT_PASSWD]);
	if (text_parse(&t, "/etc", text, strlen(text), &why) == -1)
		fail_msg("%s", buf_str(&why));
	assert_string_equal(text_find(&t, "a@x.test")->hash, HASH6);
	assert_string_equal(text_find(&t, "b@x.test")->hash, HASH6);
	assert_null(text_find(&t, "c@x.test")->hash);
	assert_string_equal(text_find(&t, "d@x.test")->hash, HASH6);
	text_print(&t, &out);
	assert_string_equal(buf_str(&out), text);
	text_clear(&t);
	buf_clear(&why);
	buf_clear(&out);
}

static void
test_fields(void **state)
{
	struct buf out = BUF_INIT(0), note = BUF_INIT(0), why = BUF_INIT(0),
	    line = BUF_INIT(0);
	struct text t;

	text_init(&t, ctl_tables[TEXT_PASSWD]);
	assert_int_equal(hash_fields("geheim", 0, &out, &note, &why), 0);
	assert_int_equal(strncmp(buf_str(&out), "crypt=$y$", 9), 0);
	assert_null(strchr(buf_str(&out), ':'));
	buf_reset(&out);
	assert_int_equal(hash_fields("geheim", 1, &out, &note, &why), 0);
	assert_non_null(strstr(buf_str(&out), ":scram-sha-256=250000,"));
	assert_int_equal(note.len, 0);
	buf_printf(&line, "a@x.test:%s", buf_str(&out));
	assert_int_equal(text_add(&t, buf_str(&line), &why), 0);
	/* A password that no client could prepare has a hash all the same. */
	buf_reset(&out);
	assert_int_equal(hash_fields("a\x07", 1, &out, &note, &why), 0);
	assert_null(strchr(buf_str(&out), ':'));
	assert_non_null(strstr(buf_str(&note), "no SCRAM keys"));
	assert_int_equal(hash_fields("", 1, &out, &note, &why), -1);
	text_clear(&t);
	buf_clear(&out);
	buf_clear(&note);
	buf_clear(&why);
	buf_clear(&line);
}

static void
test_hash(void **state)
{
	struct buf h = BUF_INIT(0), why = BUF_INIT(0);
	char longest[600];

	assert_int_equal(hash_make("geheim", &h, &why), 0);
	assert_int_equal(strncmp(buf_str(&h), "$y$", 3), 0);
	assert_int_equal(hash_check(buf_str(&h), &why), 0);
	assert_string_equal(hash_kind(buf_str(&h)), "yescrypt");
	assert_int_equal(hash_make("", &h, &why), -1);
	assert_int_equal(hash_make("a\nb", &h, &why), -1);
	memset(longest, 'x', sizeof(longest));
	longest[511] = '\0';
	assert_int_equal(hash_make(longest, &h, &why), 0);
	longest[511] = 'x';
	longest[512] = '\0';
	assert_int_equal(hash_make(longest, &h, &why), -1);
	assert_null(hash_kind("$argon2id$"));
	assert_int_equal(hash_check("$6$", &why), -1);
	assert_int_equal(hash_check("{SSHA512}", &why), -1);
	assert_int_equal(hash_check(HASH6, &why), 0);
	assert_int_equal(hash_check(HASH6 "x", &why), -1);
	assert_int_equal(hash_check("$6$ab$YvO1", &why), -1);
	assert_int_equal(hash_check("$2b$05$aaa", &why), -1);
	assert_int_equal(hash_check("$2b$04$abcdefghijklmnopqrstuuCZalfOR3Ap0"
	    "UW3V45hfV43x7O7pk4mW", &why), 0);
	assert_int_equal(hash_check("$y$j75$abcdefgh$bctRiWkyq10PPGtOKBJgs9BC"
	    "nbhQ/GleDpkmafdQZBA", &why), 0);
	buf_clear(&h);
	buf_clear(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_name_bounds),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_line_bounds),
		cmocka_unit_test(test_app_bounds),
		cmocka_unit_test(test_complaints_bounded),
		cmocka_unit_test(test_edit),
		cmocka_unit_test(test_no_entry),
		cmocka_unit_test(test_save),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
