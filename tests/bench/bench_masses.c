/*
 * What many messages that wait do to the mail that comes in.
 *
 *	bench_masses [-n messages] [-r recipients] [-t seconds] [-d] [-e] [-q]
 *
 * So many messages lie in the table, of so many recipients each. With -d all
 * are due, for a destination that is dead; with -e they are too old besides,
 * and go back. With -q the table is empty, and a client sends them, one after
 * the other, before relay comes; printed is how long that took. Meanwhile one client sends messages to a local user, one after
 * the other. Printed: how long the start took, how long a message took (median
 * and longest), bounces in a second, octets of log, memory of queue.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "tests/queue/rig.h"

enum { MESSAGES_MAX = 100000, PAUSE = 5 };

/* Shared with the client. */
struct figures {
	unsigned n;
	uint32_t us[MESSAGES_MAX];
};

static struct rig rig;
static struct chan deliver, relay;
static struct rig_fill fill = { .n = 200000, .from = "anna@example.test",
	.domain = "dead.test", .attempts = 5 };
static struct figures *figures;
static int seconds = 20, due, expire, queued;
static unsigned bounces, mails, refused;

static void
options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "n:r:t:deq")) != -1)
		if (c == 'n')
			fill.n = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'r')
			fill.recipients = strtoul(optarg, NULL, 10);
		else if (c == 't')
			seconds = atoi(optarg);
		else if (c == 'd')
			due = 1;
		else if (c == 'e')
			due = expire = 1;
		else if (c == 'q')
			queued = 1;
		else
			log_usage("bench_masses [-n messages] [-r recipients] "
			    "[-t seconds] [-d] [-e] [-q]");
	if (seconds < 1 || seconds > 600 || fill.recipients > 1000)
		log_usage("a number is out of range");
	fill.next = clock_now() + (due ? -1 : 86400);
	fill.time = (uint64_t)(clock_now() - (expire ? 10 * 86400 : 3600));
}

static void
client(void)
{
	static const char *const to[] = { "anna@example.test", NULL };
	int64_t end = clock_mono_ms() + seconds * 1000, start;
	struct chan c;
	char id[17];

	rig_wire(&rig, PEER_SMTPD, &c);
	switch (fork()) {
	case -1:
		log_fatal("fork");
	case 0:
		break;
	default:
		chan_clear(&c);
		return;
	}
	while (clock_mono_ms() < end && figures->n < MESSAGES_MAX) {
		start = clock_now_us();
		if (rig_send(&c, id, "s@far.test", to, "Subject: x\r\n\r\n")
		    == -1)
			log_warn("not taken");
		figures->us[figures->n++] = (uint32_t)(clock_now_us() - start);
		poll(NULL, 0, PAUSE);
	}
	_exit(0);
}

/* Answers all that has come; 0 where the channel has ended. */
static void
answer(struct chan *c, int dead)
{
	struct rig_job j;
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	if (poll(&p, 1, 0) != 1)
		return;
	while (rig_job(c, &j, 0) == 1) {
		if (dead) {
			refused++;
			rig_result(c, &j, -1, RESULT_LATER,
			    "4.4.1 nobody there", "");
		} else {
			*(j.sender[0] == '\0' ? &bounces : &mails) += 1;
			rig_result(c, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "");
		}
		rig_job_clear(&j);
	}
}

static int
by_size(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* A line of /proc/PID/status in kB. */
static unsigned long
memory(const char *name)
{
	unsigned long kb = 0;
	char path[64], line[200];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)rig.pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			kb = strtoul(line + strlen(name) + 1, NULL, 10);
	fclose(f);
	return kb;
}

static void
report(double took)
{
	struct stat st = { .st_size = 0 };
	unsigned n = figures->n;
	char path[100];

	snprintf(path, sizeof(path), "%s/log", rig.dir);
	stat(path, &st);
	qsort(figures->us, n, sizeof(figures->us[0]), by_size);
	if (n > 0)
		printf("%u sent: median %.1f ms, longest %.1f ms; ", n,
		    figures->us[n / 2] / 1000., figures->us[n - 1] / 1000.);
	printf("%u delivered, %.0f bounces/s, %u attempts; log %.1f MB; "
	    "memory %lu MB, at most %lu MB\n", mails, bounces / took, refused,
	    (double)st.st_size / 1e6, memory("VmRSS") / 1024,
	    memory("VmHWM") / 1024);
}

/* Waits until it serves smtpd. */
static void
ready(void)
{
	struct chan c;
	char id[17];
	int fd;

	rig_wire(&rig, PEER_SMTPD, &c);
	if (rig_file(&c, id, &fd) == -1)
		log_fatal("not ready");
	close(fd);
	chan_clear(&c);
}

/* Sends the messages, as smtpd does. */
static void
send_all(void)
{
	size_t n = fill.recipients > 0 ? fill.recipients : 1, i;
	const char **to = mem_zalloc(n + 1, sizeof(*to));
	struct buf *names = mem_zalloc(n, sizeof(*names));
	int64_t start = clock_mono_ms();
	struct chan c;
	char id[17];
	unsigned m;

	for (i = 0; i < n; i++) {
		buf_printf(&names[i], "user%zu@%s", i, fill.domain);
		to[i] = buf_str(&names[i]);
	}
	rig_wire(&rig, PEER_SMTPD, &c);
	for (m = 0; m < fill.n; m++)
		if (rig_send(&c, id, fill.from, to, "Subject: x\r\n\r\n")
		    == -1)
			log_fatal("not taken");
	chan_clear(&c);
	for (i = 0; i < n; i++)
		buf_clear(&names[i]);
	free(names);
	free(to);
	printf("%u messages of %zu recipients queued after %.1f s\n", fill.n,
	    n, (double)(clock_mono_ms() - start) / 1000.);
}

int
main(int argc, char **argv)
{
	int64_t start;
	int status;

	log_init("bench_masses", 1);
	options(argc, argv);
	figures = mmap(NULL, sizeof(*figures), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (figures == MAP_FAILED)
		log_fatal("no memory");
	rig_init(&rig, expire ? "queue_retry_min = 1s\nqueue_retry_max = 1s\n" :
	    "");
	if (!queued)
		rig_fill(&rig, &fill);
	start = clock_mono_ms();
	rig_start(&rig);
	rig_wire(&rig, PEER_DELIVER, &deliver);
	ready();
	printf("%u messages ready after %.1f s\n", queued ? 0 : fill.n,
	    (double)(clock_mono_ms() - start) / 1000.);
	if (queued)
		send_all();
	rig_wire(&rig, PEER_RELAY, &relay);
	start = clock_mono_ms();
	client();
	while (waitpid(-1, &status, WNOHANG) == 0) {
		struct pollfd p[2] = { { .fd = deliver.fd, .events = POLLIN },
			{ .fd = relay.fd, .events = POLLIN } };

		poll(p, 2, 10);
		answer(&deliver, 0);
		answer(&relay, 1);
	}
	report((double)(clock_mono_ms() - start) / 1000.);
	rig_clear(&rig);
	return 0;
}
