/*
 * How fast queue accepts, and what a message costs it.
 *
 *	bench_queue [-n messages] [-c submitters] [-s octets] [-d]
 *
 * Submitters (a process each, as smtpd is) write and sync each body and submit
 * it; with -d a peer that plays deliver answers "delivered" to
 * every job, so that the whole life of a message is paid for. CPU is that of
 * the queue process alone.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "tests/queue/rig.h"

enum { SUBMITTERS_MAX = 200 };

static struct rig rig;
static struct chan deliver;
static unsigned long messages = 20000, delivered;
static int submitters = 1, with_deliver, no_sync;
static size_t size = 4096;
static char *text;
static uint32_t crc;

/* User and system time of a process in milliseconds. */
static double
cpu_ms(pid_t pid)
{
	unsigned long u = 0, s = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "r")) != NULL) {
		if (fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u "
		    "%*u %*u %lu %lu", &u, &s) != 2)
			u = s = 0;
		fclose(f);
	}
	return (double)(u + s) * 1000. / (double)sysconf(_SC_CLK_TCK);
}

static void
submit(struct chan *c, const char *id, int fd)
{
	struct buf packed = BUF_INIT(0);

	if (fd_write_all(fd, text, size) == -1 ||
	    (!no_sync && fd_sync(fd) == -1) || close(fd) == -1)
		log_fatal("body");
	buf_put_lv(&packed, "anna@example.test", 17);
	buf_put_lv(&packed, "", 0);
	buf_put_u32(&packed, 0);
	msg_begin(c, &proto_queue, Q_SUBMIT, 1);
	msg_text(c, QF_FILE, id);
	msg_text(c, QF_SENDER, "somebody@elsewhere.test");
	msg_bytes(c, QF_RECIPIENTS, packed.data, packed.len);
	msg_text(c, QF_CLIENT, "host.elsewhere.test [192.0.2.1]");
	msg_u64(c, QF_TIME, (uint64_t)time(NULL));
	msg_u64(c, QF_LENGTH, size);
	msg_u32(c, QF_CRC, crc);
	msg_u32(c, QF_FINAL, 50);
	msg_u32(c, QF_FORWARD, 20);
	msg_u32(c, QF_FLAGS, 0);
	if (msg_end(c) == -1 || chan_send(c, RIG_WAIT) == -1)
		log_fatal("submit");
	buf_clear(&packed);
}

/* Waits for an answer; 1 if a file came with it. */
static int
answer(struct chan *c, enum q_type type, char id[17], int *fd_r)
{
	struct buf why = BUF_INIT(300);
	const char *p;
	struct msg m;
	size_t len;

	if (msg_recv(&m, &proto_queue, PEER_QUEUE, c, RIG_WAIT, &why) != 1 ||
	    m.type != type)
		log_fatal("no answer %u", type);
	p = msg_get(&m, QF_FILE, &len);
	if (p != NULL)
		memcpy(id, p, len);
	id[16] = '\0';
	*fd_r = msg_get_fd(&m, 0);
	msg_done(&m);
	return *fd_r != -1;
}

/* A submitter: n messages one after the other. */
static void
run(struct chan *c, unsigned long n)
{
	char id[17];
	int fd = -1;

	while (n-- > 0) {
		if (fd == -1) {
			msg_begin(c, &proto_queue, Q_FILE, 1);
			if (msg_end(c) == -1 || chan_send(c, RIG_WAIT) == -1)
				log_fatal("file");
			answer(c, Q_FILE_IS, id, &fd);
		}
		submit(c, id, fd);
		answer(c, Q_DONE, id, &fd);
	}
	_exit(0);
}

static void
start_submitters(void)
{
	struct chan c;
	int i;

	for (i = 0; i < submitters; i++) {
		rig_wire(&rig, PEER_SMTPD, &c);
		switch (fork()) {
		case -1:
			log_fatal("fork");
		case 0:
			run(&c, messages / (unsigned)submitters);
		}
		chan_clear(&c);
	}
}

/*
 * What store does, so that the inode lives on: ext4 looks at every inode that
 * was freed in the last seconds when it makes a file.
 */
static void
keep(const struct msg *m)
{
	char from[200], to[200];
	const char *id;
	size_t len;

	id = msg_get(m, JF_FILE, &len);
	snprintf(from, sizeof(from), "%s/spool/queue/body/%.*s", rig.dir,
	    (int)len, id);
	snprintf(to, sizeof(to), "%s/kept/%.*s", rig.dir, (int)len, id);
	if (link(from, to) == -1)
		log_fatal("link");
}

static void
from_deliver(void)
{
	struct buf why = BUF_INIT(300), packed = BUF_INIT(0);
	struct msg m;

	if (chan_read(&deliver) != 1)
		log_fatal("queue is gone");
	while (msg_next(&m, &proto_job, PEER_QUEUE, &deliver, &why) == 1) {
		keep(&m);
		buf_reset(&packed);
		buf_put_u32(&packed, 0);
		buf_put_u8(&packed, RESULT_DELIVERED);
		buf_put_u8(&packed, 0);
		buf_put_lv(&packed, "2.0.0 ok", 8);
		msg_begin(&deliver, &proto_job, J_RESULT, m.id);
		msg_bytes(&deliver, JF_RESULTS, packed.data, packed.len);
		if (msg_end(&deliver) == -1)
			log_fatal("result");
		msg_done(&m);
		delivered++;
	}
	if (chan_send(&deliver, RIG_WAIT) == -1)
		log_fatal("result");
	buf_clear(&why);
	buf_clear(&packed);
}

static void
options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "n:c:s:dy")) != -1)
		if (c == 'n')
			messages = strtoul(optarg, NULL, 10);
		else if (c == 'c')
			submitters = atoi(optarg);
		else if (c == 's')
			size = strtoul(optarg, NULL, 10);
		else if (c == 'd')
			with_deliver = 1;
		else if (c == 'y')
			no_sync = 1;
		else
			log_usage("bench_queue [-n messages] [-c submitters] "
			    "[-s octets] [-d] [-y]");
	if (submitters < 1 || submitters > SUBMITTERS_MAX || size < 100)
		log_usage("a number is out of range");
}

/* Answers jobs until all are delivered, or all submitters have ended. */
static void
follow(void)
{
	struct pollfd p = { .fd = deliver.fd, .events = POLLIN };
	int status, left = submitters;

	while (with_deliver && delivered < messages) {
		if (poll(&p, 1, RIG_WAIT) <= 0)
			log_fatal("nothing moves: %lu delivered", delivered);
		from_deliver();
	}
	while (left-- > 0)
		if (wait(&status) == -1 || !WIFEXITED(status) ||
		    WEXITSTATUS(status) != 0)
			log_fatal("a submitter failed");
}

int
main(int argc, char **argv)
{
	char kept[100];
	int64_t start;
	double cpu, ms;

	log_init("bench_queue", 1);
	options(argc, argv);
	text = mem_zalloc(1, size);
	memset(text, 'x', size);
	crc = crc32c(0, text, size);
	messages -= messages % (unsigned)submitters;
	rig_init(&rig, "");
	snprintf(kept, sizeof(kept), "%s/kept", rig.dir);
	if (mkdir(kept, 0755) == -1)
		log_fatal("%s", kept);
	rig_start(&rig);
	if (with_deliver)
		rig_wire(&rig, PEER_DELIVER, &deliver);
	poll(NULL, 0, 300);
	cpu = cpu_ms(rig.pid);
	start = clock_mono_ms();
	start_submitters();
	follow();
	ms = (double)(clock_mono_ms() - start);
	poll(NULL, 0, 1500);
	cpu = cpu_ms(rig.pid) - cpu;
	printf("%d submitters, %zu octets%s: %.0f messages/s, "
	    "%.1f us CPU of queue per message\n", submitters, size,
	    with_deliver ? ", delivered" : "",
	    (double)messages * 1000. / ms, cpu * 1000. / (double)messages);
	rig_clear(&rig);
	return 0;
}
