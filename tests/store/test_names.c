/*
 * The names of a user: what each change leaves of the list and of the
 * subscriptions, for who asks next and for the store that is started next.
 */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "store/account_orphans.h"
#include "tests/store/rig.h"

enum {
	FIRST_ID = 7,		/* of a mailbox made after first use */
	SHOWN_MAX = 1 << 20,
};

static struct rig rig;

/* Shared with the child: the mailbox whose rows went last. */
static atomic_uint *gone;

void	__real_leftover_rows(struct account *a, uint32_t mailbox);
void	__wrap_leftover_rows(struct account *a, uint32_t mailbox);

void
__wrap_leftover_rows(struct account *a, uint32_t mailbox)
{
	atomic_store(gone, mailbox);
	__real_leftover_rows(a, mailbox);
}

static int
setup(void **state)
{
	rig_init_memory(&rig);
	rig_start(&rig);
	return 0;
}

static int
teardown(void **state)
{
	rig_clear(&rig);
	return 0;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names that are subscribed and no mailbox, sorted, each behind a "?". */
static void
show_subscribed(struct door *d, struct buf *out)
{
	struct buf names = BUF_INIT(SHOWN_MAX);
	char *name[DOOR_SUBSCRIBED_MAX];
	struct cursor c;
	const char *p;
	size_t i, n = 0, len;

	assert_int_equal(door_subscribed(d, &names), 0);
	cursor_init(&c, names.data, names.len);
	while (cursor_left(&c) > 0) {
		p = cursor_lv(&c, &len, DOOR_NAME_MAX);
		assert_true(!c.bad && n < DOOR_SUBSCRIBED_MAX);
		assert_non_null(name[n++] = strndup(p, len));
	}
	qsort(name, n, sizeof(*name), by_text);
	for (i = 0; i < n; i++) {
		buf_printf(out, " ?%s", name[i]);
		free(name[i]);
	}
	buf_clear(&names);
}

/* The list without the five of first use that no step touches: "+" stands
   behind what is subscribed, and brackets around what is a name only. */
static void
show(struct door *d, struct buf *out)
{
	static const uint32_t special = ATTR_DRAFTS | ATTR_SENT | ATTR_TRASH |
	    ATTR_JUNK | ATTR_ARCHIVE;
	struct door_mailbox *list;
	size_t i, n;
	int only;

	buf_reset(out);
	assert_int_equal(door_list(d, &list, &n), 0);
	for (i = 0; i < n; i++) {
		if (list[i].attrs & special)
			continue;
		only = (list[i].attrs & ATTR_NOSELECT) != 0;
		buf_printf(out, "%s%s%s%s%s", out->len > 0 ? " " : "",
		    only ? "(" : "", list[i].name, only ? ")" : "",
		    list[i].attrs & ATTR_SUBSCRIBED ? "+" : "");
	}
	door_list_free(&list, n);
	show_subscribed(d, out);
}

enum what { CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, RESTART };

static const struct step {
	enum what what;
	const char *name, *to;
	enum door_error want;
	const char *shown;
} steps[] = {
	/* A name that is subscribed before it is a mailbox. */
	{ SUBSCRIBE, "a", NULL, D_OK, "INBOX+ ?a" },
	{ SUBSCRIBE, "a", NULL, D_OK, "INBOX+ ?a" },
	{ RESTART, NULL, NULL, D_OK, "INBOX+ ?a" },
	{ CREATE, "a", NULL, D_OK, "INBOX+ a+" },
	{ CREATE, "a", NULL, D_EXISTS, "INBOX+ a+" },
	{ RESTART, NULL, NULL, D_OK, "INBOX+ a+" },
	/* A level that is a name only becomes a mailbox. */
	{ CREATE, "a/b/c", NULL, D_OK, "INBOX+ a+ (a/b) a/b/c" },
	{ SUBSCRIBE, "a/b", NULL, D_OK, "INBOX+ a+ (a/b)+ a/b/c" },
	{ CREATE, "a/b", NULL, D_OK, "INBOX+ a+ a/b+ a/b/c" },
	{ RESTART, NULL, NULL, D_OK, "INBOX+ a+ a/b+ a/b/c" },
	/* DELETE leaves the name where there are children. */
	{ DELETE, "a", NULL, D_OK, "INBOX+ (a)+ a/b+ a/b/c" },
	{ DELETE, "a", NULL, D_REFUSED, "INBOX+ (a)+ a/b+ a/b/c" },
	{ RESTART, NULL, NULL, D_OK, "INBOX+ (a)+ a/b+ a/b/c" },
	{ UNSUBSCRIBE, "a/b", NULL, D_OK, "INBOX+ (a)+ a/b a/b/c" },
	{ RESTART, NULL, NULL, D_OK, "INBOX+ (a)+ a/b a/b/c" },
	{ DELETE, "a/b/c", NULL, D_OK, "INBOX+ (a)+ a/b" },
	/* The last child takes the name with it, not its subscription. */
	{ DELETE, "a/b", NULL, D_OK, "INBOX+ ?a" },
	{ RESTART, NULL, NULL, D_OK, "INBOX+ ?a" },
	{ UNSUBSCRIBE, "a", NULL, D_OK, "INBOX+" },
	{ UNSUBSCRIBE, "a", NULL, D_OK, "INBOX+" },
	/* RENAME takes a subscription that waits, and spares what is there. */
	{ CREATE, "x", NULL, D_OK, "INBOX+ x" },
	{ SUBSCRIBE, "y", NULL, D_OK, "INBOX+ x ?y" },
	{ RENAME, "x", "y", D_OK, "INBOX+ y+" },
	{ RESTART, NULL, NULL, D_OK, "INBOX+ y+" },
	{ CREATE, "x/z", NULL, D_OK, "INBOX+ (x) x/z y+" },
	{ RENAME, "x/z", "y", D_EXISTS, "INBOX+ (x) x/z y+" },
	{ RENAME, "y", "x", D_EXISTS, "INBOX+ (x) x/z y+" },
	{ RENAME, "x", "INBOX", D_EXISTS, "INBOX+ (x) x/z y+" },
	{ RENAME, "x", "x/z/x", D_REFUSED, "INBOX+ (x) x/z y+" },
	{ RENAME, "x", "v/w", D_OK, "INBOX+ (v) (v/w) v/w/z y+" },
	{ RESTART, NULL, NULL, D_OK, "INBOX+ (v) (v/w) v/w/z y+" },
	{ DELETE, "v/w/z", NULL, D_OK, "INBOX+ y+" },
	{ DELETE, "y", NULL, D_OK, "INBOX+ ?y" },
	{ RESTART, NULL, NULL, D_OK, "INBOX+ ?y" },
	/* INBOX stays, as subscribed as it was. */
	{ DELETE, "INBOX", NULL, D_REFUSED, "INBOX+ ?y" },
	{ RENAME, "INBOX", "o", D_OK, "INBOX+ o ?y" },
	{ RENAME, "INBOX", "y", D_OK, "INBOX+ o y+" },
	{ UNSUBSCRIBE, "INBOX", NULL, D_OK, "INBOX o y+" },
	{ RENAME, "INBOX", "p", D_OK, "INBOX o p y+" },
	{ RENAME, "q", "r", D_ABSENT, "INBOX o p y+" },
	{ RESTART, NULL, NULL, D_OK, "INBOX o p y+" },
};

static int
take_step(struct door *d, const struct step *s)
{
	struct door_mailbox m;

	switch (s->what) {
	case CREATE:
		return door_create(d, s->name, 0, &m);
	case DELETE:
		return door_delete(d, rig_mailbox(&rig, d, s->name));
	case RENAME:
		return door_rename(d, s->name, s->to);
	case SUBSCRIBE:
	case UNSUBSCRIBE:
		return door_subscribe(d, s->name, s->what == SUBSCRIBE);
	case RESTART:
		break;
	}
	rig_kill(&rig);
	rig_start(&rig);
	return 0;
}

static uint32_t
uses_of(struct door *d, const char *name)
{
	struct door_mailbox *list;
	uint32_t attrs = 0;
	size_t i, n;

	assert_int_equal(door_list(d, &list, &n), 0);
	for (i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			attrs = list[i].attrs & ATTR_USES;
	door_list_free(&list, n);
	return attrs;
}

/*
 * A use is what CREATE says, over a restart too. A mailbox of the first use
 * has its own again, unless another has it by then or CREATE says another.
 */
static void
test_uses(void **state)
{
	static const struct {
		enum what what;
		const char *name, *to;
		uint32_t asked, uses;
	} row[] = {
		{ CREATE, "Old", NULL, ATTR_ARCHIVE | ATTR_FLAGGED,
		    ATTR_ARCHIVE | ATTR_FLAGGED },
		{ CREATE, "Plain", NULL, 0, 0 },
		{ DELETE, "Sent", NULL, 0, 0 },
		{ CREATE, "Sent", NULL, 0, ATTR_SENT },
		{ DELETE, "Sent", NULL, 0, 0 },
		{ CREATE, "Gesendet", NULL, ATTR_SENT, ATTR_SENT },
		{ CREATE, "Sent", NULL, 0, 0 },
		{ DELETE, "Trash", NULL, 0, 0 },
		{ CREATE, "Trash", NULL, ATTR_JUNK, ATTR_JUNK },
		{ RENAME, "Drafts", "D", 0, 0 },
		{ CREATE, "Drafts", NULL, 0, 0 },
	};
	struct door_mailbox m;
	struct door *d;
	size_t i;

	d = &rig.imap[0];
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (row[i].what == DELETE)
			assert_int_equal(door_delete(d, rig_mailbox(&rig, d,
			    row[i].name)), 0);
		else if (row[i].what == RENAME)
			assert_int_equal(door_rename(d, row[i].name,
			    row[i].to), 0);
		if (row[i].what != CREATE)
			continue;
		assert_int_equal(door_create(d, row[i].name, row[i].asked,
		    &m), 0);
		assert_int_equal(m.attrs & ATTR_USES, row[i].uses);
	}
	rig_kill(&rig);
	rig_start(&rig);
	d = &rig.imap[0];
	assert_int_equal(uses_of(d, "Old"), ATTR_ARCHIVE | ATTR_FLAGGED);
	assert_int_equal(uses_of(d, "Plain"), 0);
	assert_int_equal(uses_of(d, "Sent"), 0);
	assert_int_equal(uses_of(d, "Gesendet"), ATTR_SENT);
	assert_int_equal(uses_of(d, "Trash"), ATTR_JUNK);
	assert_int_equal(uses_of(d, "D"), ATTR_DRAFTS);
	assert_int_equal(uses_of(d, "Drafts"), 0);
}

static void
test_steps(void **state)
{
	struct buf out = BUF_INIT(SHOWN_MAX);
	const struct step *s;
	size_t i;
	int r;

	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		s = &steps[i];
		r = take_step(&rig.imap[0], s);
		show(&rig.imap[1], &out);
		if (r != (s->want == D_OK ? 0 : -1) || (r == -1 &&
		    door_error(&rig.imap[0]) != s->want))
			fail_msg("step %zu: %d, error %d", i, r,
			    door_error(&rig.imap[0]));
		if (strcmp(buf_str(&out), s->shown) != 0)
			fail_msg("step %zu: %s, not %s", i, buf_str(&out),
			    s->shown);
	}
	buf_clear(&out);
}

static const char *
annas(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "spool/mail/example.test/anna/%s", name);
	return rig_path(&rig, path);
}

/* Its time runs from the deletion on, however old the folder is; its rows go
   at once. */
static void
test_deleted(void **state)
{
	static const struct timespec old[2] = { { .tv_sec = 1000000 },
		{ .tv_sec = 1000000 } };
	struct door *d = &rig.imap[0];
	struct door_mailbox m;
	int64_t now = clock_now();
	struct stat st;
	char id[12];

	assert_int_equal(door_create(d, "x", 0, &m), 0);
	assert_int_equal(m.id, FIRST_ID);
	snprintf(id, sizeof(id), "%u", m.id);
	assert_int_equal(utimensat(AT_FDCWD, annas(id), old, 0), 0);
	atomic_store(gone, 0);
	assert_int_equal(door_delete(d, m.id), 0);
	assert_int_equal(stat(annas(id), &st), 0);
	assert_true(st.st_mtime >= now - 1);
	assert_int_equal(atomic_load(gone), m.id);
}

/* Stops the store, adds n lines of a kind to the list, and starts it. */
static void
add_lines(const char *kind, const char *attrs, unsigned from, unsigned n)
{
	struct buf text = BUF_INIT(SHOWN_MAX), whole = BUF_INIT(SHOWN_MAX);
	unsigned next, last;
	const char *p, *end;
	int fd;

	assert_int_equal(rig_stop(&rig), 0);
	fd = open(annas("mailboxes"), O_RDWR);
	assert_true(fd != -1 && fd_slurp(fd, &text) == 0);
	p = strstr(buf_str(&text), "next ");
	assert_non_null(p);
	assert_int_equal(sscanf(p, "next %u %u", &next, &last), 2);
	end = strchr(p, '\n') + 1;
	buf_append(&whole, text.data, (size_t)(p - text.data));
	buf_printf(&whole, "next %u %u\n", next + n, last);
	buf_puts(&whole, end);
	for (; n > 0; n--, from++) {
		buf_printf(&whole, "%s ", kind);
		if (attrs != NULL)
			buf_printf(&whole, "%u %u %s ", next++, last, attrs);
		buf_printf(&whole, "n%05u\n", from);
	}
	assert_true(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	assert_int_equal(fd_write_all(fd, whole.data, whole.len), 0);
	close(fd);
	buf_clear(&text);
	buf_clear(&whole);
	rig_start(&rig);
}

/* So many that a name of the greatest depth fits, and no more. */
static void
test_most_mailboxes(void **state)
{
	struct door *d = &rig.imap[0];
	struct door_mailbox m;

	assert_int_equal(door_status(d, 1, &m), 0);
	add_lines("mailbox", "noselect", 0,
	    DOOR_MAILBOXES_MAX - DOOR_DEPTH_MAX - (FIRST_ID - 1));
	assert_int_equal(door_create(d, "x", 0, &m), 0);
	assert_int_equal(door_create(d, "y", 0, &m), -1);
	assert_int_equal(door_error(d), D_REFUSED);
	assert_int_equal(door_rename(d, "x", "y"), -1);
	assert_int_equal(door_error(d), D_REFUSED);
	assert_int_equal(rig_mailbox(&rig, d, "y"), 0);
	assert_int_not_equal(rig_mailbox(&rig, d, "x"), 0);
}

static void
test_most_subscriptions(void **state)
{
	struct door *d = &rig.imap[0];
	struct buf before = BUF_INIT(SHOWN_MAX), out = BUF_INIT(SHOWN_MAX);
	struct door_mailbox m;

	assert_int_equal(door_create(d, "x", ATTR_SUBSCRIBED, &m), 0);
	add_lines("subscribed", NULL, 0, DOOR_SUBSCRIBED_MAX - 1);
	assert_int_equal(door_subscribe(d, "y", 1), 0);
	show(d, &before);
	assert_int_equal(door_subscribe(d, "z", 1), -1);
	assert_int_equal(door_error(d), D_REFUSED);
	show(d, &out);
	assert_string_equal(buf_str(&out), buf_str(&before));
	/* One that is there already is no other; a mailbox needs no room. */
	assert_int_equal(door_subscribe(d, "INBOX", 1), 0);
	assert_int_equal(door_delete(d, m.id), 0);
	assert_int_equal(rig_mailbox(&rig, d, "x"), 0);
	rig_kill(&rig);
	rig_start(&rig);
	show(&rig.imap[0], &out);
	assert_non_null(strstr(buf_str(&out), " ?y"));
	assert_null(strstr(buf_str(&out), " ?x"));
	buf_clear(&before);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_steps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_uses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deleted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_most_mailboxes, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_most_subscriptions, setup,
		    teardown),
	};

	gone = mmap(NULL, sizeof(*gone), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (gone == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
