/*
 * The start goes by stages, so that nobody asks one who is not there yet. The
 * ports are open from before the first stage: clients wait in their queues.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "master/master.h"
#include "master/master_listen.h"
#include "master/master_notify.h"
#include "master/master_pool.h"
#include "master/master_setup.h"
#include "master/master_start.h"
#include "master/master_stop.h"

enum {
	LOG_TRIES = 50,
	LOG_WAIT = 20000,	/* us */
};

/* Of the program that died last in the start. */
static char last_words[LOG_LINE_MAX];
static pid_t last_pid;

static void
log_to_logger(void)
{
	if (dup2(master.log_write_fd, STDERR_FILENO) == -1)
		log_fatal("log pipe: %s", strerror(errno));
	if (!master.debug)
		fd_close(&master.stderr_fd);
	log_init("master", 0);
	log_verbose(master.conf.verbose);
}

static void
tell_parent(void)
{
	if (master.parent_fd == -1)
		return;
	if (write(master.parent_fd, "", 1) != 1)
		log_debug("nobody waits for the start");
	fd_close(&master.parent_fd);
}

static void
started(void)
{
	master.phase = PHASE_RUN;
	log_to_logger();
	log_info("started, configuration %s", master.dir);
	if (!master.root)
		log_info("not root: every program runs as user %ld, without "
		    "jail or system call filter", (long)getuid());
	if (listen_no_ipv6())
		log_info("this host has no IPv6: the ports are open for IPv4 "
		    "alone");
	notify("READY=1");
	tell_parent();
}

int
start_turn(void)
{
	if (!pool_stage_ready(master.stage))
		return 0;
	if (++master.stage < START_STAGES)
		return 1;
	started();
	return 0;
}

/* What follows begin in the last line of text that has it. */
static void
take_last(char *text, const char *begin)
{
	char *line, *end, *p, *rest = text;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line == '\0' || (p = strstr(line, begin)) == NULL)
			continue;
		p += strlen(begin);
		end = stpncpy(last_words, p, sizeof(last_words) - 1);
		*end = '\0';
	}
}

/* Here are the words that the logger did not take. */
void
start_died(const struct proc *p)
{
	char text[4096];
	ssize_t n;

	if (master.phase != PHASE_START)
		return;
	last_pid = p->pid;
	last_words[0] = '\0';
	n = read(p->log_fd, text, sizeof(text) - 1);
	if (n <= 0)
		return;
	text[n] = '\0';
	take_last(text, "");
	/* The letter of the level, lib/base/log.c. */
	if (last_words[0] != '\0' && last_words[1] == ' ')
		memmove(last_words, last_words + 2, strlen(last_words) - 1);
}

/* What the logger took, it has written, or is about to. */
static void
read_log(const char *name)
{
	char text[16384], begin[80], *p;
	int fd = open(setup_path("log/rohrpost.log"), O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n = -1;

	if (fd != -1 && fstat(fd, &st) == 0)
		n = pread(fd, text, sizeof(text) - 1,
		    st.st_size < (off_t)sizeof(text) ? 0 :
		    st.st_size - (off_t)sizeof(text) + 1);
	fd_close(&fd);
	if (n <= 0)
		return;
	text[n] = '\0';
	snprintf(begin, sizeof(begin), " %s[%ld] ", name, (long)last_pid);
	take_last(text, begin);
	/* "level words" */
	if ((p = strchr(last_words, ' ')) != NULL)
		memmove(last_words, p + 1, strlen(p));
}

void
start_failed(enum program_id row, int status)
{
	int i;

	for (i = 0; last_words[0] == '\0' && i < LOG_TRIES; i++) {
		if (i > 0)
			usleep(LOG_WAIT);
		read_log(peer_name(programs[row].kind));
	}
	log_warn("%s does not start: %s", programs[row].name,
	    last_words[0] != '\0' ? last_words : "it says nothing");
	stop_begin(status);
}
