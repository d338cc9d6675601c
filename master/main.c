#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "master/master.h"
#include "master/master_control.h"
#include "master/master_crowd.h"
#include "master/master_drop.h"
#include "master/master_files.h"
#include "master/master_listen.h"
#include "master/master_logins.h"
#include "master/master_notify.h"
#include "master/master_pool.h"
#include "master/master_proc.h"
#include "master/master_reload.h"
#include "master/master_session.h"
#include "master/master_setup.h"
#include "master/master_start.h"
#include "master/master_stop.h"
#include "master/master_watch.h"
#include "master/master_wiring.h"

static const double TICK = 1;	/* seconds */

static ev_prepare before_wait;
static ev_timer tick;
static ev_signal on_term, on_int, on_hup;

static void
before(struct ev_loop *loop, ev_prepare *w, int events)
{
	do {
		pool_fill();
	} while (master.phase == PHASE_START && start_turn());
	drop_turn();
	if (master.phase == PHASE_STOP)
		stop_turn();
}

static void
died(struct proc *p, int status)
{
	start_died(p);
	crowd_take(p);
	logins_forget(p);
	wiring_gone(p);
	drop_died(p, status);
	pool_died(p, status);
}

static const struct hooks hooks = {
	.started = wiring_start,
	.said = session_said,
	.died = died,
	.failed = start_failed,
	.stopping = operator_close,
};

static void
on_tick(struct ev_loop *loop, ev_timer *w, int events)
{
	double now = ev_now(loop);

	proc_tick(now);
	if (master.phase == PHASE_RUN) {
		pool_tick(now);
		logins_tick(now);
		watch_tick(now);
		drop_tick(now);
	}
}

static void
on_stop(struct ev_loop *loop, ev_signal *w, int events)
{
	stop_begin(0);
}

static void
reloaded(void *arg, int status, const char *words)
{
}

static void
on_reload(struct ev_loop *loop, ev_signal *w, int events)
{
	reload_begin(reloaded, NULL);
}

static void
loop_init(void)
{
	master.loop = ev_default_loop(EVFLAG_NOENV);
	if (master.loop == NULL)
		log_fatal("no event loop: %s", strerror(errno));
	signal(SIGPIPE, SIG_IGN);
	ev_prepare_init(&before_wait, before);
	ev_prepare_start(master.loop, &before_wait);
	ev_timer_init(&tick, on_tick, TICK, TICK);
	ev_timer_start(master.loop, &tick);
	ev_signal_init(&on_term, on_stop, SIGTERM);
	ev_signal_init(&on_int, on_stop, SIGINT);
	ev_signal_init(&on_hup, on_reload, SIGHUP);
	ev_signal_start(master.loop, &on_term);
	ev_signal_start(master.loop, &on_int);
	ev_signal_start(master.loop, &on_hup);
	pool_init();
	watch_init();
	drop_init();
}

/*
 * Into the background. Who called waits here until every program is ready, and
 * so ends with the status of the start.
 */
static void
detach(void)
{
	int fd[2], status;
	char c;
	pid_t pid;

	if (pipe(fd) == -1 || (pid = fork()) == -1)
		log_fatal("start: %s", strerror(errno));
	if (pid == 0) {
		close(fd[0]);
		fd_cloexec(fd[1], 1);
		master.parent_fd = fd[1];
		setsid();
		return;
	}
	close(fd[1]);
	if (read(fd[0], &c, 1) == 1)
		_exit(0);
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status));
	_exit(LOG_EXIT_TEMP);
}

/* What root's programs get from the caller's environment: next to nothing. */
static void
environment(void)
{
	static const char *const kept[] = {
#ifdef NO_SYNC
		"ROHRPOST_NO_SYNC",
#endif
		"TZ" };
	static const char *const languages[] = { "LC_ALL", "LC_MESSAGES",
		"LANG", "LANGUAGE" };
	enum { KEPT = sizeof(kept) / sizeof(kept[0]) };
	char *value[KEPT];
	size_t i;

	notify_init();
	/* The log is English, also where it has what a check (-n) says. */
	for (i = 0; i < sizeof(languages) / sizeof(languages[0]); i++)
		unsetenv(languages[i]);
	if (!master.root)
		return;
	for (i = 0; i < KEPT; i++) {
		value[i] = getenv(kept[i]);
		if (value[i] != NULL)
			value[i] = strdup(value[i]);
	}
	if (clearenv() != 0 || setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin",
	    1) == -1)
		log_fatal("environment: %s", strerror(errno));
	for (i = 0; i < KEPT; i++) {
		if (value[i] != NULL && setenv(kept[i], value[i], 1) == -1)
			log_fatal("environment: %s", strerror(errno));
		free(value[i]);
	}
}

static void
config_dir(const char *arg)
{
	char cwd[SETTINGS_PATH_MAX];
	int n;

	if (arg[0] == '/')
		n = snprintf(master.dir, sizeof(master.dir), "%s", arg);
	else if (getcwd(cwd, sizeof(cwd)) != NULL)
		n = snprintf(master.dir, sizeof(master.dir), "%s/%s", cwd, arg);
	else
		log_fatal("current directory: %s", strerror(errno));
	if (n >= (int)sizeof(master.dir))
		log_usage("-c: the path is too long");
}

static void
usage(void)
{
	log_usage("usage: master -c DIR [-dfn] | -K | -V");
}

static void
load(struct buf *why)
{
	if (master.dir[0] == '\0')
		usage();
	if (files_take(master.dir, &master.files, &master.conf, why) == -1)
		log_usage("%s", buf_str(why));
}

/* Prints every line of why as one of the log's. */
static void
say_lines(const struct buf *why)
{
	const char *p = buf_str(why), *line;
	size_t len;

	while ((line = str_line(&p, &len)) != NULL)
		log_warn("%.*s", (int)len, line);
}

static void
prepare(struct buf *why)
{
	int control;

	if (chdir("/") == -1)
		log_fatal("/: %s", strerror(errno));
	umask(022);
	if (setup_directories(why) == -1 || setup_lock(why) == -1)
		log_fatal("%s", buf_str(why));
	if (reload_check_now(why) == -1) {
		say_lines(why);
		exit(LOG_EXIT_USAGE);
	}
	/* The ports first: where one is taken, nothing is left behind. */
	if (listen_update(&master.conf, 0, why) == -1 ||
	    listen_sockets(&control, why) == -1)
		log_fatal("%s", buf_str(why));
	slots_init(&master.slots, (uint32_t)master.conf.session_uid_first,
	    (uint32_t)master.conf.session_uid_last);
	operator_listen(control);
}

static void
check_only(struct buf *why)
{
	if (setup_descriptors(why) == -1)
		log_fatal("%s", buf_str(why));
	if (reload_check_now(why) == 0)
		exit(0);
	say_lines(why);
	exit(LOG_EXIT_USAGE);
}

int
main(int argc, char **argv)
{
	struct buf why = BUF_INIT(65536);
	int c, foreground = 0, check = 0;

	/* What our caller left open goes on to no child. */
	close_range(SERVER_MASTER_FD, ~0u, 0);
	log_init("master", 1);
	master.hooks = &hooks;
	master.parent_fd = -1;
	master.root = geteuid() == 0;
	while ((c = getopt(argc, argv, "c:dfnKV")) != -1)
		switch (c) {
		case 'c':
			config_dir(optarg);
			break;
		case 'd':
			master.debug = 1;
			/* FALLTHROUGH */
		case 'f':
			foreground = 1;
			break;
		case 'n':
			check = 1;
			break;
		case 'K':
			settings_print(master_keys);
			return 0;
		case 'V':
			printf("master (%s %s)\n", PACKAGE_NAME,
			    PACKAGE_VERSION);
			return 0;
		default:
			usage();
		}
	if (optind != argc)
		usage();
	if (check)
		words_init(LOCALEDIR);
	load(&why);
	if (check)
		check_only(&why);
	if (!foreground)
		detach();
	environment();
	if (setup_descriptors(&why) == -1)
		log_fatal("%s", buf_str(&why));
	loop_init();
	prepare(&why);
	ev_run(master.loop, 0);
	if (ftruncate(master.lock_fd, 0) == -1)
		log_debug("master.pid: %s", strerror(errno));
	buf_clear(&why);
	return master.exit_status;
}
