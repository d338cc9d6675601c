/* Those who follow: what happened, in order, from any point on. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/mail/follow.h"
#include "lib/mail/proto.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"
#define BERT "bert@example.test"

static struct rig rig;
static uint64_t token;		/* of anna */

static int
setup(void **state)
{
	rig_init(&rig);
	rig_start(&rig);
	rig.follow[0].owner = ANNA;
	token = 0;
	return 0;
}

static int
teardown(void **state)
{
	int status = rig_stop(&rig);

	rig_clear(&rig);
	return status == 0 ? 0 : -1;
}

static void
restart(void)
{
	rig_start(&rig);
	rig.follow[0].owner = ANNA;
}

static void
put(const char *owner, const char *text)
{
	char id[17];

	rig_file(&rig, text, id);
	assert_int_equal(rig_deliver(&rig, id, owner, NULL),
	    RESULT_DELIVERED);
}

static void
print_items(struct buf *out, const struct follow_event *e)
{
	struct follow_item k;
	size_t i;

	for (i = 0; i < e->n; i++) {
		follow_item(e, i, &k);
		buf_printf(out, " %u", k.uid);
		if (e->type == FOLLOW_MOVED)
			buf_printf(out, ">%u", k.to_uid);
		if (e->type == FOLLOW_FLAGS)
			buf_printf(out, ":%u/%llu", k.old_flags,
			    (unsigned long long)k.old_keywords);
		if (k.flags != 0 || k.keywords != 0 ||
		    e->type == FOLLOW_FLAGS)
			buf_printf(out, "=%u/%llu", k.flags,
			    (unsigned long long)k.keywords);
	}
}

static void
print_event(struct buf *out, const struct follow_event *e)
{
	static const char *const names[] = { "?", "added", "flags",
		"expunged", "moved", "made", "renamed", "deleted" };

	buf_printf(out, "%s %u", names[e->type], e->mailbox);
	if (e->type == FOLLOW_MOVED)
		buf_printf(out, ">%u", e->to);
	print_items(out, e);
	if (e->type >= FOLLOW_MADE)
		buf_printf(out, " %.*s", (int)e->name_len, e->name);
	if (e->attrs & ATTR_NOSELECT)
		buf_puts(out, " noselect");
	buf_putc(out, '\n');
}

/* All events in a mailbox (0: all) since, as lines. */
static const char *
events_of(uint32_t mailbox, uint64_t *since)
{
	static struct buf out;
	struct follow_answer a;
	struct follow_event e;
	struct cursor c;
	uint64_t last = *since;
	int r;

	buf_reset(&out);
	do {
		assert_int_equal(follow_ask(&rig.follow[0], mailbox, *since,
		    &a), 0);
		if (a.anew) {
			buf_puts(&out, "anew\n");
			assert_int_equal(a.packed.len, 0);
		}
		cursor_init(&c, a.packed.data, a.packed.len);
		while ((r = follow_next(&c, &e)) == 1) {
			assert_true(e.token > last);
			last = e.token;
			print_event(&out, &e);
		}
		assert_int_equal(r, 0);
		assert_true(a.anew || a.token >= last);
		assert_true(a.token > 0);
		*since = a.token;
		follow_answer_clear(&a);
	} while (a.more);
	return buf_str(&out);
}

static const char *
events(void)
{
	return events_of(0, &token);
}

static void
expunge(struct door *d, uint32_t mailbox, uint32_t uid)
{
	uint32_t *gone;
	uint64_t modseq;
	size_t n;

	assert_int_equal(door_expunge(d, mailbox, &uid, 1, 1, &gone, &n,
	    &modseq), 0);
	assert_int_equal(n, 1);
	free(gone);
}

static void
copy(struct door *d, uint32_t from, uint32_t to, uint32_t first, uint32_t n,
    int how)
{
	uint32_t *uids = calloc(n, sizeof(*uids)), *a, *b, validity, i;
	size_t done;

	for (i = 0; i < n; i++)
		uids[i] = first + i;
	assert_int_equal(door_copy(d, from, to, uids, n, how, &a, &b, &done,
	    &validity), 0);
	assert_int_equal(done, n);
	free(uids);
	free(a);
	free(b);
}

static void
set_flags(struct door *d, uint32_t mailbox, uint32_t uid, enum door_op op,
    uint32_t flags, const char *keyword)
{
	char *keywords[] = { (char *)(uintptr_t)keyword, NULL };
	struct door_record *rec;
	uint32_t *failed;
	size_t n, n_failed;

	assert_int_equal(door_store(d, mailbox, &uid, 1, op, flags, keywords,
	    UINT64_MAX, &rec, &n, &failed, &n_failed), 0);
	assert_int_equal(n, 1);
	free(rec);
	free(failed);
}

static void
append(struct door *d, uint32_t mailbox, const char *text, uint32_t flags)
{
	char name[DOOR_FILE_NAME + 1];
	uint32_t uid, validity;
	int fd;

	assert_int_equal(door_file(d, &fd, name), 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fd_sync(fd), 0);
	close(fd);
	assert_int_equal(door_append(d, mailbox, name, strlen(text),
	    crc32c(0, text, strlen(text)), 0, flags, NULL, 1700000000, NULL,
	    0, &uid, &validity), 0);
}

/* INBOX 1, Drafts 2, Sent 3, Junk 4, Trash 5, Archive 6. */
static void
test_in_order(void **state)
{
	struct door *d = &rig.imap[0];
	struct door_mailbox m;

	put(ANNA, "before anybody follows");
	assert_string_equal(events(), "anew\n");
	assert_string_equal(events(), "");
	put(ANNA, "one");
	append(d, 1, "two", FLAG_SEEN);
	set_flags(d, 1, 2, DOOR_ADD, FLAG_FLAGGED, "work");
	set_flags(d, 1, 2, DOOR_SET, FLAG_SEEN, NULL);
	set_flags(d, 1, 2, DOOR_SET, FLAG_SEEN, NULL);	/* no change */
	copy(d, 1, 6, 2, 2, 0);
	copy(d, 6, 5, 1, 1, DOOR_MOVE);
	assert_int_equal(door_create(d, "a/b", 0, &m), 0);
	assert_int_equal(door_rename(d, "a", "c"), 0);
	assert_int_equal(door_subscribe(d, "c/b", 1), 0);
	expunge(d, 1, 3);
	assert_int_equal(door_delete(d, 8), 0);
	assert_int_equal(door_rename(d, "INBOX", "old"), 0);
	assert_string_equal(events(),
	    "added 1 2\n"
	    "added 1 3=1/0\n"
	    "flags 1 2:0/0=4/1\n"
	    "flags 1 2:4/1=1/0\n"
	    "added 6 1=1/0 2=1/0\n"
	    "moved 6>5 1>1=1/0\n"
	    "made 7 a noselect\n"
	    "made 8 a/b\n"
	    "renamed 7 c noselect\n"
	    "renamed 8 c/b\n"
	    "expunged 1 3=1/0\n"
	    "deleted 7 c\n"
	    "deleted 8 c/b\n"
	    "made 9 old\n"
	    "moved 1>9 1>1 2>2=1/0\n");
	assert_string_equal(events(), "");
}

static void
test_one_mailbox(void **state)
{
	struct door *d = &rig.imap[0];
	uint64_t at;

	assert_string_equal(events(), "anew\n");
	at = token;
	put(ANNA, "one");
	put(ANNA, "two");
	copy(d, 1, 6, 1, 1, DOOR_MOVE);
	set_flags(d, 1, 2, DOOR_ADD, FLAG_SEEN, NULL);
	assert_string_equal(events_of(6, &at), "moved 1>6 1>1\n");
	assert_string_equal(events_of(6, &at), "");
	assert_string_equal(events_of(5, &token), "");
}

static void
test_from_any_point(void **state)
{
	uint64_t at[4];
	int i;

	assert_string_equal(events(), "anew\n");
	for (i = 0; i < 3; i++) {
		at[i] = token;
		put(ANNA, "more");
		(void)events();
	}
	assert_string_equal(events_of(0, &at[1]), "added 1 2\nadded 1 3\n");
	/* Another start, in order; then one after a kill. */
	assert_int_equal(rig_stop(&rig), 0);
	restart();
	assert_string_equal(events(), "");
	put(ANNA, "after a stop");
	rig_kill(&rig);
	restart();
	assert_string_equal(events_of(0, &at[2]), "added 1 3\nadded 1 4\n");
	put(ANNA, "after a kill");
	assert_string_equal(events(), "added 1 4\nadded 1 5\n");
	/* A token that is from nowhere. */
	at[0] = UINT64_MAX;
	assert_string_equal(events_of(0, &at[0]), "anew\n");
	at[0] = token + 1000;
	assert_string_equal(events_of(0, &at[0]), "anew\n");
}

/* What is told is there after a kill, flags too, which have no answer that
   waits for the disk. */
static void
test_what_is_told_is_durable(void **state)
{
	struct door_record *rec;
	uint32_t *gone;
	uint64_t modseq;
	size_t n, n_gone;
	int complete;

	assert_string_equal(events(), "anew\n");
	put(ANNA, "one");
	(void)events();
	set_flags(&rig.imap[0], 1, 1, DOOR_ADD, FLAG_FLAGGED, NULL);
	assert_string_equal(events(), "flags 1 1:0/0=4/0\n");
	rig_kill(&rig);
	restart();
	assert_int_equal(door_records(&rig.imap[0], 1, 0, &rec, &n, &gone,
	    &n_gone, &modseq, &complete), 0);
	assert_int_equal(n, 1);
	assert_int_equal(rec[0].flags, FLAG_FLAGGED);
	free(rec);
	free(gone);
	assert_string_equal(events(), "");
}

static void
test_too_far_behind(void **state)
{
	struct door *d = &rig.imap[0];
	uint64_t old, more;
	uint32_t i, n = 500;

	assert_string_equal(events(), "anew\n");
	old = token;
	for (i = 0; i < 5; i++)
		append(d, 1, "x", 0);
	(void)events();
	more = token;
	/* 5, 10, ... messages, then many at once: more than a log holds. */
	for (i = 5; i < n; i *= 2)
		copy(d, 1, 1, 1, i, 0);
	for (i = 0; i < 60; i++)
		copy(d, 1, 6, 1, n, 0);
	for (i = 0; i < 60; i++)
		copy(d, 6, 5, 1 + i * n, n, DOOR_MOVE);
	assert_string_equal(events_of(0, &old), "anew\n");
	assert_string_equal(events_of(0, &more), "anew\n");
	put(ANNA, "and on");
	assert_string_equal(events_of(0, &old), "added 1 641\n");
}

/* A rebuild may find what no event tells of. */
static void
test_rebuild_is_anew(void **state)
{
	struct buf out = BUF_INIT(1000);

	assert_string_equal(events(), "anew\n");
	put(ANNA, "one");
	assert_int_not_equal(rig_control(&rig, C_REBUILD, ANNA, &out), -1);
	assert_string_equal(events(), "anew\n");
	assert_string_equal(events(), "");
	buf_clear(&out);
}

/* As after a crash between the file and the commit of its change. */
static void
test_another_list_is_anew(void **state)
{
	struct door_mailbox m;
	char cmd[300];

	assert_string_equal(events(), "anew\n");
	assert_int_equal(door_create(&rig.imap[0], "one", 0, &m), 0);
	assert_int_equal(door_subscribe(&rig.imap[0], "two", 1), 0);
	assert_int_equal(rig_stop(&rig), 0);
	restart();
	assert_string_equal(events(), "made 7 one\n");
	assert_int_equal(rig_stop(&rig), 0);
	snprintf(cmd, sizeof(cmd), "sed -i 's/ Archive$/ Past/' '%s'",
	    rig_path(&rig, "spool/mail/example.test/anna/mailboxes"));
	assert_int_equal(system(cmd), 0);
	restart();
	assert_int_not_equal(rig_mailbox(&rig, &rig.imap[0], "Past"), 0);
	assert_string_equal(events(), "anew\n");
	assert_int_equal(rig_stop(&rig), 0);
	restart();
	assert_string_equal(events(), "");
}

static int
news(struct door *d, struct buf *owner, int ms)
{
	struct pollfd p = { .fd = d->chan.fd, .events = POLLIN };
	int r = follow_news(d, owner);

	if (r == 0 && poll(&p, 1, ms) == 1)
		r = follow_news(d, owner);
	return r;
}

static void
test_news(void **state)
{
	struct door *d = &rig.follow[1];
	struct buf owner = BUF_INIT(400);
	struct follow_answer a;
	uint64_t at;

	d->owner = BERT;
	assert_int_equal(follow_ask(d, 0, 0, &a), 0);
	at = a.token;
	assert_true(a.anew);
	follow_answer_clear(&a);
	assert_string_equal(events(), "anew\n");
	assert_int_equal(news(d, &owner, 50), 0);
	put(BERT, "one");
	put(BERT, "two");
	assert_int_equal(news(d, &owner, 10000), 1);
	assert_string_equal(buf_str(&owner), BERT);
	/* Told once until it is asked for. */
	assert_int_equal(news(d, &owner, 100), 0);
	put(ANNA, "other");
	assert_int_equal(news(d, &owner, 10000), 1);
	assert_string_equal(buf_str(&owner), ANNA);
	assert_int_equal(follow_ask(d, 0, at, &a), 0);
	assert_int_equal(a.packed.len, 2 * (8 + 4 + 10 + FOLLOW_ITEM));
	follow_answer_clear(&a);
	put(BERT, "three");
	assert_int_equal(news(d, &owner, 10000), 1);
	assert_string_equal(buf_str(&owner), BERT);
	buf_clear(&owner);
}

/* Who follows reads, and changes nothing. */
static void
test_reads_all_and_changes_nothing(void **state)
{
	struct door *d = &rig.follow[0];
	struct door_mailbox *list, m;
	struct buf text = BUF_INIT(100);
	uint32_t uid = 1;
	size_t n;
	int fd;

	put(ANNA, "the body");
	put(BERT, "of bert");
	assert_int_equal(door_list(d, &list, &n), 0);
	assert_int_equal(n, 6);
	door_list_free(&list, n);
	assert_int_equal(rig_find(&rig, d, 1, "the body", &n), 1);
	d->owner = BERT;
	assert_int_equal(rig_find(&rig, d, 1, "of bert", &n), 1);
	assert_int_equal(door_open(d, 1, &uid, 1, &fd), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(fd_slurp(fd, &text), 0);
	assert_string_equal(buf_str(&text), "of bert");
	close(fd);
	buf_clear(&text);
	d->owner = "nobody@nowhere.test";
	assert_int_equal(door_list(d, &list, &n), -1);
	assert_int_equal(door_error(d), D_ABSENT);
	d->owner = BERT;
	/* Who breaks a rule loses the door. */
	assert_int_equal(door_create(d, "mine", 0, &m), -1);
	assert_int_equal(door_error(d), D_LOST);
	rig.follow[1].owner = BERT;
	assert_int_equal(door_delete(&rig.follow[1], 6), -1);
	assert_int_equal(door_error(&rig.follow[1]), D_LOST);
	assert_int_equal(door_status(&rig.imap[2], 6, &m), 0);
	assert_int_equal(rig_mailbox(&rig, &rig.imap[2], "mine"), 0);
}

/* One that does not read what it asked for: the others go on. */
static void
test_deaf_follower(void **state)
{
	struct chan *c = &rig.follow[1].chan;
	struct door_mailbox m;
	int i;

	assert_string_equal(events(), "anew\n");
	for (i = 0; i < 20; i++)
		put(ANNA, "more");
	for (i = 0; i < 20000; i++) {
		msg_begin(c, &proto_door, DM_FOLLOW, (uint32_t)i + 1);
		msg_u32(c, DF_MAILBOX, 0);
		msg_u64(c, DF_MODSEQ, token);
		msg_text(c, DF_OWNER, ANNA);
		assert_int_equal(msg_end(c), 0);
		if (chan_flush(c) != 1)
			break;
	}
	assert_true(i < 20000);
	put(ANNA, "while it is deaf");
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	assert_int_equal(m.messages, 21);
	assert_int_equal(strlen(events()), 9 * strlen("added 1 1\n") +
	    12 * strlen("added 1 10\n"));
}

/* What a later store may add is passed over. */
static void
test_a_wider_event(void **state)
{
	const struct follow_item two[2] = { { .uid = 7, .flags = 1 },
		{ .uid = 8, .keywords = 5 } };
	struct buf b = BUF_INIT(0), later = BUF_INIT(0);
	struct follow_event e = { .type = FOLLOW_RENAMED, .mailbox = 3,
		.name = "x", .name_len = 1 };
	struct follow_item k;
	int i;

	follow_pack(&later, &e);
	buf_puts(&later, "more");
	assert_int_equal(follow_unpack(later.data, later.len, &e), 0);
	assert_int_equal(e.name_len, 1);
	assert_int_equal(follow_unpack(later.data, later.len - 5, &e), -1);
	buf_reset(&later);
	buf_put_u8(&later, FOLLOW_ADDED);
	buf_put_u32(&later, 3);
	buf_put_u32(&later, 0);
	buf_put_u8(&later, FOLLOW_ITEM + 3);
	for (i = 0; i < 2; i++) {
		buf_reset(&b);
		follow_pack_item(&b, &two[i]);
		buf_append(&later, b.data, b.len);
		buf_puts(&later, "new");
	}
	assert_int_equal(follow_unpack(later.data, later.len, &e), 0);
	assert_int_equal(e.n, 2);
	follow_item(&e, 1, &k);
	assert_int_equal(k.uid, 8);
	assert_int_equal(k.keywords, 5);
	assert_int_equal(follow_unpack(later.data, later.len - 1, &e), -1);
	later.data[9] = FOLLOW_ITEM - 1;
	assert_int_equal(follow_unpack(later.data, later.len, &e), -1);
	assert_int_equal(follow_unpack(later.data, 8, &e), -1);
	buf_clear(&b);
	buf_clear(&later);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_in_order),
		T(test_one_mailbox),
		T(test_from_any_point),
		T(test_what_is_told_is_durable),
		T(test_too_far_behind),
		T(test_rebuild_is_anew),
		T(test_another_list_is_anew),
		T(test_news),
		T(test_reads_all_and_changes_nothing),
		T(test_deaf_follower),
		cmocka_unit_test(test_a_wider_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
