/*
 * What a file system alone gives: the file work that no mail server can do
 * without, and nothing else. Each of N processes makes a file, writes it, syncs
 * it, links it into a folder of its own (as a mailbox is one's own), syncs that
 * folder and unlinks the first name.
 *
 *	-d DIR     on the file system that is measured; emptied in the end
 *	-c N       processes
 *	-n COUNT   files of all together
 *	-s OCTETS  of a file
 *
 * Prints JSON: files, seconds, and the processes' own seconds of processor time.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MUST(e) do { if (!(e)) { perror(#e); exit(1); } } while (0)

static const char *dir = ".";
static unsigned conns = 1, count = 100, size = 4096;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
one_file(int queue, int box, const char *body, unsigned n)
{
	char name[20];
	int fd;

	snprintf(name, sizeof(name), "%u-%u", (unsigned)getpid(), n);
	fd = openat(queue, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	MUST(fd != -1 && write(fd, body, size) == (ssize_t)size);
	MUST(fsync(fd) == 0 && close(fd) == 0);
	MUST(linkat(queue, name, box, name, 0) == 0 && fsync(box) == 0);
	MUST(unlinkat(queue, name, 0) == 0);
}

/* Begins when the pipe ends. */
static void
work(unsigned who, int go)
{
	char *body = malloc(size), path[20], c;
	int queue, box;
	unsigned n;

	MUST(body != NULL && (queue = open("queue", O_RDONLY)) != -1);
	memset(body, 'x', size);
	snprintf(path, sizeof(path), "%u", who);
	MUST(mkdir(path, 0700) == 0 && (box = open(path, O_RDONLY)) != -1);
	MUST(read(go, &c, 1) == 0);
	for (n = who; n < count; n += conns)
		one_file(queue, box, body, n);
	exit(0);
}

static unsigned
number(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*end != '\0' || v == 0 || v > 1000000000) {
		fprintf(stderr, "file_work: %s: not a number\n", text);
		exit(2);
	}
	return (unsigned)v;
}

static void
arguments(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "d:c:n:s:")) != -1)
		switch (c) {
		case 'd':
			dir = optarg;
			break;
		case 'c':
			conns = number(optarg);
			break;
		case 'n':
			count = number(optarg);
			break;
		case 's':
			size = number(optarg);
			break;
		default:
			fprintf(stderr, "usage: file_work [-d dir] [-c n] "
			    "[-n count] [-s octets]\n");
			exit(2);
		}
}

int
main(int argc, char **argv)
{
	struct rusage u;
	int go[2], status;
	double began;
	unsigned i;

	arguments(argc, argv);
	MUST(chdir(dir) == 0 && mkdir("queue", 0700) == 0 && pipe(go) == 0);
	for (i = 0; i < conns; i++)
		switch (fork()) {
		case -1:
			MUST(!"fork");
			break;
		case 0:
			close(go[1]);
			work(i, go[0]);
		}
	usleep(200000);		/* all of them have their folder */
	began = now();
	close(go[1]);
	for (i = 0; i < conns; i++)
		MUST(wait(&status) != -1 && status == 0);
	began = now() - began;
	getrusage(RUSAGE_CHILDREN, &u);
	printf("{\"files\": %u, \"seconds\": %.6f, \"cpu\": %.6f}\n", count,
	    began, (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
	return 0;
}
