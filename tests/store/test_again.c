/*
 * All that a user can see of her mail, after each kind of change: what is
 * counted fits what is there, and a store that was stopped and started again,
 * or killed, or has lost its index, shows the same. Uids are never given again.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"

enum { KEPT = 64 };

static time_t begun;			/* nothing was saved before */

static struct rig rig;
#define DOOR (&rig.imap[0])

static struct next {			/* of the mailboxes, by id */
	uint32_t uidnext;
	uint64_t modseq;
} next[KEPT];

/* Counted from the records; recent is what store says. */
static void
check_counts(const struct door_mailbox *m, const struct door_record *rec,
    size_t n)
{
	uint32_t unseen = 0, deleted = 0;
	uint64_t size = 0, modseq = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		unseen += !(rec[i].flags & FLAG_SEEN);
		deleted += !!(rec[i].flags & FLAG_DELETED);
		size += rec[i].size;
		if (rec[i].modseq > modseq)
			modseq = rec[i].modseq;
		assert_true((int64_t)rec[i].save_date >= begun);
		assert_true((int64_t)rec[i].save_date <= time(NULL) + 1);
	}
	assert_int_equal(m->messages, n);
	assert_int_equal(m->unseen, unseen);
	assert_int_equal(m->deleted, deleted);
	assert_true(m->size == size);
	assert_true(m->highestmodseq >= modseq);
	assert_true(n == 0 || m->uidnext > rec[n - 1].uid);
	assert_true(m->recent <= m->messages);
	assert_true(m->id < KEPT);
	assert_true(m->uidnext >= next[m->id].uidnext);
	assert_true(m->highestmodseq >= next[m->id].modseq);
	next[m->id] = (struct next){ m->uidnext, m->highestmodseq };
}

static void
show_names(struct buf *out, const char *what, const struct buf *names)
{
	struct cursor c;
	const char *p;
	size_t len;

	cursor_init(&c, names->data, names->len);
	while (cursor_left(&c) > 0) {
		p = cursor_lv(&c, &len, DOOR_NAME_MAX);
		assert_false(c.bad);
		buf_printf(out, " %s %.*s", what, (int)len, p);
	}
	buf_puts(out, "\n");
}

/* What files tell of a mailbox, without the index: the names of keywords are
   by bits, which stay. */
static void
show_files(struct buf *out, const struct door_mailbox *m)
{
	struct buf names = BUF_INIT(0);
	struct door_record *rec;
	uint32_t *gone;
	uint64_t modseq;
	size_t i, n, n_gone;
	int complete;

	buf_printf(out, "%u %s a%x", m->id, m->name, m->attrs);
	if (m->attrs & ATTR_NOSELECT) {
		buf_puts(out, "\n");
		return;
	}
	assert_int_equal(door_records(DOOR, m->id, 0, &rec, &n, &gone,
	    &n_gone, &modseq, &complete), 0);
	buf_printf(out, " v%u: %u %u %u %llu\n", m->uidvalidity, m->messages,
	    m->unseen, m->deleted, (unsigned long long)m->size);
	for (i = 0; i < n; i++)
		buf_printf(out, "  %u f%x k%llx d%lld s%llu h%u t%u\n",
		    rec[i].uid, rec[i].flags,
		    (unsigned long long)rec[i].keywords,
		    (long long)rec[i].date, (unsigned long long)rec[i].size,
		    rec[i].header_len, rec[i].save_date);
	free(rec);
	free(gone);
	assert_int_equal(door_keywords(DOOR, m->id, &names), 0);
	show_names(out, "keyword", &names);
	buf_clear(&names);
}

static void
show_mailbox(struct buf *out, const struct door_mailbox *m)
{
	struct buf names = BUF_INIT(0);
	struct door_record *rec;
	uint32_t *gone;
	uint64_t modseq;
	size_t i, n, n_gone;
	int complete;

	buf_printf(out, "%u %s a%x", m->id, m->name, m->attrs);
	if (m->attrs & ATTR_NOSELECT) {
		buf_puts(out, "\n");
		return;
	}
	buf_printf(out, " v%u n%u: %u %u %u %u %llu h%llu\n", m->uidvalidity,
	    m->uidnext, m->messages, m->unseen, m->deleted, m->recent,
	    (unsigned long long)m->size,
	    (unsigned long long)m->highestmodseq);
	assert_int_equal(door_records(DOOR, m->id, 0, &rec, &n, &gone,
	    &n_gone, &modseq, &complete), 0);
	assert_true(modseq == m->highestmodseq);
	check_counts(m, rec, n);
	for (i = 0; i < n; i++)
		buf_printf(out, "  %u f%x k%llx m%llu d%lld s%llu h%u t%u\n",
		    rec[i].uid, rec[i].flags,
		    (unsigned long long)rec[i].keywords,
		    (unsigned long long)rec[i].modseq,
		    (long long)rec[i].date, (unsigned long long)rec[i].size,
		    rec[i].header_len, rec[i].save_date);
	free(rec);
	free(gone);
	assert_int_equal(door_keywords(DOOR, m->id, &names), 0);
	show_names(out, "keyword", &names);
	/* What is gone since the first message came. */
	assert_int_equal(door_records(DOOR, m->id, m->highestmodseq - 1, &rec,
	    &n, &gone, &n_gone, &modseq, &complete), 0);
	buf_printf(out, " last: %d %zu", complete, n);
	for (i = 0; i < n_gone; i++)
		buf_printf(out, " gone %u", gone[i]);
	buf_puts(out, "\n");
	free(rec);
	free(gone);
	buf_clear(&names);
}

/* All of it as text, as show_one shows a mailbox. */
static void
show_by(struct buf *out, void (*show_one)(struct buf *,
    const struct door_mailbox *))
{
	uint64_t size, size_max, count, count_max, sum = 0, number = 0;
	struct buf names = BUF_INIT(0);
	struct door_mailbox *list;
	size_t i, n;

	buf_reset(out);
	assert_int_equal(door_list(DOOR, &list, &n), 0);
	for (i = 0; i < n; i++) {
		show_one(out, &list[i]);
		sum += list[i].size;
		number += list[i].messages;
	}
	door_list_free(&list, n);
	assert_int_equal(door_subscribed(DOOR, &names), 0);
	show_names(out, "subscribed", &names);
	assert_int_equal(door_quota(DOOR, &size, &size_max, &count,
	    &count_max), 0);
	assert_true(size == sum);
	assert_true(count == number);
	buf_clear(&names);
}

static void
show(struct buf *out)
{
	show_by(out, show_mailbox);
}

static void
assert_same(const struct buf *before, const struct buf *after)
{
	const char *a = buf_str(before), *b = buf_str(after);
	size_t i = 0;

	if (strcmp(a, b) == 0)
		return;
	while (a[i] == b[i])
		i++;
	while (i > 0 && a[i - 1] != '\n')
		i--;
	fail_msg("was: %.*s, is: %.*s", (int)strcspn(a + i, "\n"), a + i,
	    (int)strcspn(b + i, "\n"), b + i);
}

static void
deliver(const char *text)
{
	char id[17];

	rig_file(&rig, text, id);
	assert_int_equal(rig_deliver(&rig, id, ANNA, NULL),
	    RESULT_DELIVERED);
}

static uint32_t
box(const char *name)
{
	uint32_t id = rig_mailbox(&rig, DOOR, name);

	assert_true(id > 0);
	return id;
}

static void
append(const char *name, uint32_t flags, char **keywords, const char *text)
{
	uint32_t uid, validity;
	char file[32];
	int fd;

	assert_int_equal(door_file(DOOR, &fd, file), 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
	assert_int_equal(door_append(DOOR, box(name), file, strlen(text),
	    crc32c(0, text, strlen(text)), 14, flags, keywords, 86400, "c", 1,
	    &uid, &validity), 0);
}

static void
flags(const char *name, uint32_t uid, enum door_op op, uint32_t set,
    char **keywords)
{
	struct door_record *rec;
	uint32_t *failed;
	size_t n, n_failed;

	assert_int_equal(door_store(DOOR, box(name), &uid, 1, op, set,
	    keywords, UINT64_MAX, &rec, &n, &failed, &n_failed), 0);
	assert_int_equal(n, 1);
	free(rec);
	free(failed);
}

/* The uid of message number i. */
static uint32_t
number(const char *name, size_t i)
{
	struct door_record *rec;
	uint32_t *gone, uid;
	uint64_t modseq;
	size_t n, n_gone;
	int complete;

	assert_int_equal(door_records(DOOR, box(name), 0, &rec, &n, &gone,
	    &n_gone, &modseq, &complete), 0);
	assert_true(i <= n);
	uid = rec[i - 1].uid;
	free(rec);
	free(gone);
	return uid;
}

/* Each of them was saved at that time or later. */
static void
check_saved(const char *name, const uint32_t *uids, size_t n, time_t since)
{
	struct door_record *rec;
	uint32_t *gone;
	uint64_t modseq;
	size_t i, k = 0, all, n_gone;
	int complete;

	assert_int_equal(door_records(DOOR, box(name), 0, &rec, &all, &gone,
	    &n_gone, &modseq, &complete), 0);
	for (i = 0; i < all && k < n; i++)
		if (rec[i].uid == uids[k]) {
			assert_true((int64_t)rec[i].save_date >= since);
			k++;
		}
	assert_int_equal(k, n);
	free(rec);
	free(gone);
}

/* All of a mailbox. */
static void
copy(const char *from, const char *to, int how)
{
	struct door_record *rec;
	uint32_t *gone, *uids, *a, *b, validity;
	uint64_t modseq;
	size_t i, n, n_gone, done;
	int complete;
	time_t now;

	assert_int_equal(door_records(DOOR, box(from), 0, &rec, &n, &gone,
	    &n_gone, &modseq, &complete), 0);
	/* One of another second than its source. */
	while ((now = time(NULL)) <= (int64_t)rec[0].save_date)
		usleep(10000);
	uids = malloc((n + 1) * sizeof(*uids));
	assert_non_null(uids);
	for (i = 0; i < n; i++)
		uids[i] = rec[i].uid;
	assert_int_equal(door_copy(DOOR, box(from), box(to), uids, n, how, &a,
	    &b, &done, &validity), 0);
	assert_int_equal(done, n);
	check_saved(to, b, 1, now);
	free(a);
	free(b);
	free(uids);
	free(rec);
	free(gone);
}

static void
expunge(const char *name, uint32_t uid)
{
	uint64_t modseq;
	uint32_t *gone;
	size_t n;

	assert_int_equal(door_expunge(DOOR, box(name), &uid, 1, 1, &gone, &n,
	    &modseq), 0);
	assert_int_equal(n, 1);
	free(gone);
}

static void
take_recent(const char *name)
{
	struct door_mailbox m;
	uint32_t low;

	assert_int_equal(door_select(DOOR, box(name), 1, &m, &low), 0);
	assert_true(m.recent > 0);
	assert_int_equal(door_unselect(DOOR, box(name)), 0);
}

static char *words[] = { (char *)"kw", (char *)"$Junk", NULL };
static char *more[] = { (char *)"third", (char *)"kw", NULL };

static void
step(int i)
{
	struct door_mailbox m;
	int k;

	switch (i) {
	case 0:
		deliver("Subject: one\r\n\r\nfirst\r\n");
		break;
	case 1:
		append("Drafts", FLAG_SEEN | FLAG_DRAFT, words,
		    "Subject: x\r\n\r\nbody\r\n");
		break;
	case 2:
		flags("INBOX", 1, DOOR_SET, FLAG_SEEN | FLAG_FLAGGED, more);
		break;
	case 3:
		deliver("Subject: two\r\n\r\n");
		flags("INBOX", number("INBOX", 2), DOOR_ADD, FLAG_DELETED,
		    words);
		flags("INBOX", 1, DOOR_REMOVE, FLAG_SEEN, more);
		break;
	case 4:
		copy("INBOX", "Drafts", 0);
		break;
	case 5:
		deliver("Subject: three\r\n\r\nthird\r\n");
		take_recent("INBOX");
		break;
	case 6:
		copy("Drafts", "Sent", DOOR_MOVE);
		break;
	case 7:
		expunge("INBOX", number("INBOX", 2));
		break;
	case 8:
		/* The last one: its number is not given again. */
		expunge("INBOX", number("INBOX", 2));
		break;
	case 9:
		assert_int_equal(door_create(DOOR, "a/b", ATTR_SUBSCRIBED,
		    &m), 0);
		assert_int_equal(door_subscribe(DOOR, "ghost", 1), 0);
		assert_int_equal(door_subscribe(DOOR, "Trash", 0), 0);
		append("a/b", 0, NULL, "Subject: b\r\n\r\n");
		break;
	case 10:
		assert_int_equal(door_rename(DOOR, "a", "c/d"), 0);
		break;
	case 11:
		assert_int_equal(door_rename(DOOR, "INBOX", "old"), 0);
		deliver("Subject: four\r\n\r\n");
		break;
	case 12:
		assert_int_equal(door_delete(DOOR, box("c/d/b")), 0);
		break;
	case 13:
		/* As many as go in slices. */
		for (k = 0; k < 9; k++)
			copy("Sent", "Sent", 0);
		copy("Sent", "Archive", 0);
		break;
	case 14:
		copy("Archive", "Trash", DOOR_MOVE);
		break;
	}
}

enum { STEPS = 15 };

/* A store that ends as it should writes all that it knows. */
static void
test_stopped(void **state)
{
	struct buf before = BUF_INIT(0), after = BUF_INIT(0);
	int i;

	memset(next, 0, sizeof(next));
	rig_init(&rig);
	rig_start(&rig);
	for (i = 0; i < STEPS; i++) {
		step(i);
		show(&before);
		assert_int_equal(rig_stop(&rig), 0);
		rig_start(&rig);
		show(&after);
		assert_same(&before, &after);
	}
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
	buf_clear(&before);
	buf_clear(&after);
}

/* What was answered is durable, and flags are with what comes behind them. */
static void
test_killed(void **state)
{
	struct buf before = BUF_INIT(0), after = BUF_INIT(0);
	int i;

	memset(next, 0, sizeof(next));
	rig_init(&rig);
	rig_start(&rig);
	for (i = 0; i < STEPS; i++) {
		step(i);
		append("Junk", 0, NULL, "Subject: behind\r\n\r\n");
		show(&before);
		rig_kill(&rig);
		rig_start(&rig);
		show(&after);
		assert_same(&before, &after);
	}
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
	buf_clear(&before);
	buf_clear(&after);
}

/* Files tell all but what is of a moment: mod-sequences, and what is recent. */
static void
test_without_index(void **state)
{
	struct buf before = BUF_INIT(0), after = BUF_INIT(0);
	char cmd[100];
	int i;

	rig_init(&rig);
	rig_start(&rig);
	for (i = 0; i < STEPS; i++) {
		step(i);
		show_by(&before, show_files);
		assert_int_equal(rig_stop(&rig), 0);
		snprintf(cmd, sizeof(cmd), "rm -r '%s/spool/index'", rig.dir);
		assert_int_equal(system(cmd), 0);
		rig_start(&rig);
		show_by(&after, show_files);
		assert_same(&before, &after);
	}
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
	buf_clear(&before);
	buf_clear(&after);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_without_index),
	};

	begun = time(NULL);
	return cmocka_run_group_tests_name("again", tests, NULL, NULL);
}
