/*
 * What grows with a mailbox: bench_sizes [-r] [messages ...]; 1,000 and 10,000
 * where none is named. For each size a store of its own with one shard and a
 * mailbox of so many messages; printed are milliseconds (of the clock, and of
 * the store's processor) of
 *
 *   select      SELECT and all records, as a session opens the mailbox
 *   flags       the records of all messages (FETCH 1:* FLAGS)
 *   status      STATUS
 *   watched     a delivery, with a session that reads what is new after each
 *   delivery    the same, nobody watches
 *
 * and of SELECT and, without -r, of COPY, STORE, EXPUNGE, MOVE and DELETE of all
 * of it, beside the longest that STATUS and APPEND of another account waited
 * meanwhile. The end is by how much each of the five grew from the first size
 * on, by the processor's time: the first two may grow as the mailbox does, the
 * others not at all.
 */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/mail/proto.h"
#include "tests/store/rig.h"

#define ANNA	"anna@example.test"
#define TEXT	"Subject: a\n\nbody\n"
#define MUST(e)	do { if (!(e)) { perror(#e); exit(1); } } while (0)

enum {
	DELIVERIES = 400, FIRST = 250, STATUSES = 5000,
	READ = 500000,		/* messages, in so many turns as it takes */
	SIZES = 10,
	PART = 20000,		/* messages of one copy that fills */
};

enum what { SELECT, FLAGS, STATUS, WATCHED, DELIVERY, WHATS };
static const char *const names[WHATS] = {
	"select", "flags", "status", "watched", "delivery"
};
static struct {
	unsigned messages;
	double cpu[WHATS];
} sizes[SIZES];
static unsigned n_sizes;

static struct rig rig;

static double
now_ms(void)
{
	return (double)clock_now_us() / 1e3;
}

/* Milliseconds of processor time of the store. */
static double
cpu_ms(void)
{
	char path[60], line[600], *p;
	unsigned long u = 0, s = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)rig.pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	if (fgets(line, sizeof(line), f) != NULL &&
	    (p = strrchr(line, ')')) != NULL)
		sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
		    "%lu %lu", &u, &s);
	fclose(f);
	return (double)(u + s) * 1e3 / (double)sysconf(_SC_CLK_TCK);
}

static void
deliver(void)
{
	char id[17];

	rig_file(&rig, TEXT, id);
	MUST(rig_deliver(&rig, id, ANNA, NULL) == RESULT_DELIVERED);
}

/* INBOX, as copies of few; with the gap that a rebuild leaves above them. */
static void
fill(unsigned n)
{
	uint32_t *uids = calloc(n + 1, sizeof(*uids)), *a, *b, validity;
	struct buf out = BUF_INIT(0);
	unsigned have, part;
	size_t done;

	MUST(uids != NULL);
	for (have = 0; have < FIRST && have < n; have++)
		deliver();
	for (part = 0; part < n; part++)
		uids[part] = part + 1;
	for (; have < n; have += part) {
		part = have < n - have ? have : n - have;
		if (part > PART)
			part = PART;
		MUST(door_copy(&rig.imap[0], 1, 1, uids, part, 0, &a, &b,
		    &done, &validity) == 0 && done == part);
		free(a);
		free(b);
	}
	free(uids);
	MUST(rig_control(&rig, C_REBUILD, ANNA, &out) >= 0);
	buf_clear(&out);
}

static size_t
records(struct door *d, uint32_t mailbox, uint64_t *modseq,
    struct door_record **rec_r)
{
	struct door_record *rec;
	uint32_t *gone;
	size_t n, n_gone;
	int complete;

	MUST(door_records(d, mailbox, *modseq, &rec, &n, &gone, &n_gone,
	    modseq, &complete) == 0 && complete);
	free(gone);
	if (rec_r != NULL)
		*rec_r = rec;
	else
		free(rec);
	return n;
}

static uint64_t seen;		/* the state that the watcher knows */

/* Once of what is measured. */
static void
do_once(enum what what, unsigned n)
{
	struct door *d = &rig.imap[0];
	struct door_mailbox m;
	uint32_t recent;

	if (what == SELECT) {
		MUST(door_unselect(d, 1) == 0);
		MUST(door_select(d, 1, 0, &m, &recent) == 0);
	}
	if (what == SELECT || what == FLAGS) {
		seen = 0;
		MUST(records(d, 1, &seen, NULL) == n);
	}
	if (what == STATUS)
		MUST(door_status(d, 1, &m) == 0);
	if (what == WATCHED || what == DELIVERY)
		deliver();
	if (what == WATCHED)
		MUST(records(d, 1, &seen, NULL) == 1);
}

static void
measure(enum what what, unsigned n, unsigned times)
{
	double t = now_ms(), c = cpu_ms();
	unsigned i;

	for (i = 0; i < times; i++)
		do_once(what, n);
	t = (now_ms() - t) / times;
	c = (cpu_ms() - c) / times;
	printf("%8u %-8s %10.3f cpu %8.3f\n", n, names[what], t, c);
	sizes[n_sizes].messages = n;
	sizes[n_sizes].cpu[what] = c;
}

static void
measure_reading(unsigned n)
{
	unsigned turns = READ / n > 2 ? READ / n : 2;

	measure(SELECT, n, turns);
	measure(FLAGS, n, turns);
	measure(STATUS, n, STATUSES);
	measure(WATCHED, n, DELIVERIES);
	MUST(door_unselect(&rig.imap[0], 1) == 0);
	measure(DELIVERY, n, DELIVERIES);
	n_sizes++;
}

/* Of each size beside the first. */
static void
print_growth(void)
{
	unsigned i;
	int w;

	for (i = 1; i < n_sizes; i++) {
		printf("grown %.1f times:", (double)sizes[i].messages /
		    sizes[0].messages);
		for (w = 0; w < WHATS; w++)
			printf(" %s %.2f", names[w], sizes[i].cpu[w] /
			    sizes[0].cpu[w]);
		printf("\n");
	}
}

/* Another account meanwhile. */
static struct {
	atomic_int stop;
	double status, append;		/* the longest */
} other;

static void
append(struct door *d)
{
	char name[DOOR_FILE_NAME + 1];
	uint32_t uid, validity;
	size_t len = strlen(TEXT);
	int fd;

	MUST(door_file(d, &fd, name) == 0);
	MUST(fd_write_all(fd, TEXT, len) == 0 && fd_sync(fd) == 0);
	close(fd);
	MUST(door_append(d, 1, name, len, crc32c(0, TEXT, len), 12, 0, NULL,
	    1700000000, NULL, 0, &uid, &validity) == 0);
}

static void *
append_run(void *arg)
{
	double t;

	while (!atomic_load(&other.stop)) {
		t = now_ms();
		append(&rig.imap[2]);
		if (now_ms() - t > other.append)
			other.append = now_ms() - t;
	}
	return NULL;
}

/* Through a door of its own, for who waits for APPEND asks nothing. */
static void *
status_run(void *arg)
{
	struct door_mailbox m;
	double t;

	while (!atomic_load(&other.stop)) {
		t = now_ms();
		MUST(door_status(&rig.imap[3], 1, &m) == 0);
		if (now_ms() - t > other.status)
			other.status = now_ms() - t;
		usleep(1000);
	}
	return NULL;
}

static pthread_t append_thread, status_thread;
static double began;

static void
begin(void)
{
	atomic_store(&other.stop, 0);
	other.status = other.append = 0;
	MUST(pthread_create(&append_thread, NULL, append_run, NULL) == 0 &&
	    pthread_create(&status_thread, NULL, status_run, NULL) == 0);
	began = now_ms();
}

static void
end(const char *what, unsigned n)
{
	double t = now_ms() - began;

	sleep(1);	/* what comes behind the answer */
	atomic_store(&other.stop, 1);
	pthread_join(append_thread, NULL);
	pthread_join(status_thread, NULL);
	printf("%8u %-8s %8.0f others: status %.1f append %.1f\n", n, what, t,
	    other.status, other.append);
}

static uint32_t *
uids_of(uint32_t mailbox, size_t *n_r)
{
	struct door_record *rec;
	uint64_t since = 0;
	uint32_t *uids;
	size_t i;

	*n_r = records(&rig.imap[0], mailbox, &since, &rec);
	MUST((uids = calloc(*n_r + 1, sizeof(*uids))) != NULL);
	for (i = 0; i < *n_r; i++)
		uids[i] = rec[i].uid;
	free(rec);
	return uids;
}

static void
copy(const char *what, uint32_t from, uint32_t to, int how)
{
	uint32_t *uids, *a, *b, validity;
	size_t n, done;

	uids = uids_of(from, &n);
	begin();
	if (door_copy(&rig.imap[0], from, to, uids, n, how, &a, &b, &done,
	    &validity) == -1)
		printf("%s: refused\n", what);
	else
		MUST(done == n);
	end(what, (unsigned)n);
	free(uids);
	free(a);
	free(b);
}

static void
measure_changes(void)
{
	struct door *d = &rig.imap[0];
	struct door_mailbox one, two;
	struct door_record *rec;
	uint32_t *uids, *gone;
	uint64_t modseq;
	size_t n, n_rec, n_gone;

	MUST(door_create(d, "One", 0, &one) == 0);
	MUST(door_create(d, "Two", 0, &two) == 0);
	copy("COPY", 1, one.id, 0);
	copy("MOVE", one.id, two.id, DOOR_MOVE);
	begin();
	MUST(door_delete(d, two.id) == 0);
	end("DELETE", 0);
	uids = uids_of(1, &n);
	begin();
	MUST(door_store(d, 1, uids, n, DOOR_ADD, FLAG_DELETED, NULL,
	    UINT64_MAX, &rec, &n_rec, &gone, &n_gone) == 0);
	end("STORE", (unsigned)n);
	free(rec);
	free(gone);
	begin();
	MUST(door_expunge(d, 1, uids, n, 0, &gone, &n_gone, &modseq) == 0);
	end("EXPUNGE", (unsigned)n);
	free(gone);
	free(uids);
}

/* What others wait while a session opens the mailbox. */
static void
measure_others(unsigned n)
{
	begin();
	do_once(SELECT, n);
	end("SELECT", n);
}

static void
run(unsigned n, int changes)
{
	struct door_mailbox m;
	int i;

	rig_init(&rig);
	rig_start(&rig);
	for (i = 0; i < 3; i += 2)
		MUST(door_status(&rig.imap[i], 1, &m) == 0);
	fill(n);
	measure_reading(n);
	measure_others(n + 2 * DELIVERIES);
	if (changes)
		measure_changes();
	MUST(rig_stop(&rig) == 0);
	rig_clear(&rig);
}

int
main(int argc, char **argv)
{
	int i = 1, changes = 1, n;

	setvbuf(stdout, NULL, _IOLBF, 0);
	setenv("RIG_THREADS", "1", 1);
	setenv("RIG_CACHE", "67108864", 1);	/* as index_cache has it */
	if (argc > 1 && strcmp(argv[1], "-r") == 0) {
		changes = 0;
		i = 2;
	}
	if (i == argc) {
		run(1000, changes);
		run(10000, changes);
	}
	for (; i < argc && n_sizes < SIZES; i++) {
		MUST((n = atoi(argv[i])) > 0);
		run((unsigned)n, changes);
	}
	print_growth();
	return 0;
}
