/*
 * What grows with a mailbox: bench_sizes [messages ...]; 1,000 and 10,000
 * where none is named. For each size a store of its own with one shard and a
 * mailbox of so many messages; printed are milliseconds (of the clock; for
 * deliveries also of the store's processor) of
 *
 *   select      SELECT and all records, as a session opens the mailbox
 *   flags       the records of all messages (FETCH 1:* FLAGS)
 *   status      STATUS
 *   delivery    a message, nobody watches; then with a session that reads what
 *               is new after each
 *
 * and of COPY, STORE, EXPUNGE, MOVE and DELETE of all of it, beside the longest
 * that STATUS and APPEND of another account waited meanwhile.
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

enum { DELIVERIES = 200, FIRST = 250 };

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

static void
measure_reading(unsigned n)
{
	struct door *d = &rig.imap[0];
	struct door_mailbox m;
	uint64_t modseq = 0;
	uint32_t recent;
	double t = now_ms(), c;
	unsigned i;

	MUST(door_select(d, 1, 0, &m, &recent) == 0);
	MUST(records(d, 1, &modseq, NULL) == n);
	printf("%8u select %9.2f\n", n, now_ms() - t);
	t = now_ms();
	modseq = 0;
	MUST(records(d, 1, &modseq, NULL) == n);
	printf("%8u flags %10.2f\n", n, now_ms() - t);
	t = now_ms();
	for (i = 0; i < DELIVERIES; i++)
		MUST(door_status(d, 1, &m) == 0);
	printf("%8u status %9.3f\n", n, (now_ms() - t) / DELIVERIES);
	t = now_ms();
	c = cpu_ms();
	for (i = 0; i < DELIVERIES; i++) {
		deliver();
		MUST(records(d, 1, &modseq, NULL) == 1);
	}
	printf("%8u watched %8.2f cpu %7.2f\n", n, (now_ms() - t) /
	    DELIVERIES, (cpu_ms() - c) / DELIVERIES);
	MUST(door_unselect(d, 1) == 0);
	t = now_ms();
	c = cpu_ms();
	for (i = 0; i < DELIVERIES; i++)
		deliver();
	printf("%8u delivery %7.2f cpu %7.2f\n", n, (now_ms() - t) /
	    DELIVERIES, (cpu_ms() - c) / DELIVERIES);
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

static void
run(unsigned n)
{
	struct door_mailbox m;
	int i;

	rig_init(&rig);
	rig_start(&rig);
	for (i = 0; i < 3; i += 2)
		MUST(door_status(&rig.imap[i], 1, &m) == 0);
	fill(n);
	measure_reading(n);
	measure_changes();
	MUST(rig_stop(&rig) == 0);
	rig_clear(&rig);
}

int
main(int argc, char **argv)
{
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	setenv("RIG_THREADS", "1", 1);
	for (i = 1; i < argc; i++)
		run((unsigned)atoi(argv[i]));
	if (argc < 2) {
		run(1000);
		run(10000);
	}
	return 0;
}
