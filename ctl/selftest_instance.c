#include "config.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ctl/selftest_instance.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/peer.h"
#include "lib/base/tree.h"
#include "lib/base/words.h"
#include "lib/server/program.h"
#include "lib/server/walls.h"

enum {
	PATH = 200,
	UIDS_FIRST = 2134321824,	/* after setup's last slot */
	UIDS = 64,
	STOP_MS = 20 * 1000,
	STEP_MS = 20,
	LEFT_AGE = 10 * 60,	/* s; no run takes so long */
	FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
};

static const char folder_name[] = "rohrpost-selftest.XXXXXX";

struct bait {
	const char *name;	/* under state_dir; ends with /: a folder */
	const char *user, *group;
	mode_t	 mode;
};

/*
 * As the programs make them. The folders of master's table it would make
 * itself (master/master_setup.c): here only to have something in them.
 */
static const struct bait baits[] = {
	{ "spool/", "root", "root", 0755 },
	{ "spool/queue/", "rp-queue", "rp-spool", 0750 },
	{ "spool/queue/body/", "rp-queue", "rp-spool", 02770 },
	{ "spool/queue/body/bait", "rp-queue", "rp-spool", 0660 },
	{ "spool/queue/db/", "rp-queue", "rp-queue", 0700 },
	{ "spool/queue/db/bait", "rp-queue", "rp-queue", 0600 },
	{ "spool/drop/", "root", "root", 01733 },
	/* So that there is a pickup. */
	{ "spool/drop/0.0", "root", "root", 0600 },
	{ "spool/mail/", "rp-store", "rp-store", 0700 },
	{ "spool/mail/bait", "rp-store", "rp-store", 0600 },
	{ "spool/collect/", "rp-collect", "rp-collect", 0700 },
	{ "spool/index/", "rp-store", "rp-store", 0700 },
	{ "spool/index/bait", "rp-store", "rp-store", 0600 },
	{ "auth/", "root", "rp-auth", 0750 },
	{ "auth/passwd.cdb", "root", "rp-auth", 0640 },
	{ "jail/", "root", "root", 0755 },
	{ "jail/collect.cdb", "root", "rp-collect", 0640 },
	{ "jail/dkim.cdb", "root", "rp-signer", 0640 },
	{ "jail/tables.cdb", "root", "root", 0644 },
	{ "log/", "rp-log", "rp-log", 0750 },
	{ "log/bait", "rp-log", "rp-log", 0600 },
	{ "key.pem", "root", "root", 0600 },
	{ "cert.pem", "root", "root", 0644 },
	{ WALLS_REPORT, "root", "root", 0600 },
};

static int
failed(struct buf *why, const char *what)
{
	buf_set(why, "selftest: %s: %s", what, strerror(errno));
	return -1;
}

static const char *
path_of(const struct selftest *s, const char *name)
{
	static char path[PATH];

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	return path;
}

static int
put(const struct selftest *s, const struct bait *b, struct buf *why)
{
	const char *path = path_of(s, b->name);
	const struct passwd *pw = getpwnam(b->user);
	const struct group *gr = getgrnam(b->group);
	int fd = -1, r;

	if (pw == NULL || gr == NULL) {
		buf_set(why, _("the system user %s or group %s is missing: run "
		    "systemd-sysusers with %s"), b->user, b->group, SYSUSERS);
		return -1;
	}
	if (path[strlen(path) - 1] == '/')
		r = mkdir(path, b->mode);
	else
		r = fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    b->mode);
	if (fd != -1 && fd_write_all(fd, "bait\n", 5) == -1)
		r = -1;
	fd_close(&fd);
	if (r == -1 || chown(path, pw->pw_uid, gr->gr_gid) == -1 ||
	    chmod(path, b->mode) == -1)
		return failed(why, path);
	return 0;
}

/* A port of 127.0.0.1 that nobody has now; 0: none. */
static unsigned
free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned port = 0;

	if (bind(fd, (const struct sockaddr *)&a, len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&a, &len) == 0)
		port = ntohs(a.sin_port);
	fd_close(&fd);
	return port;
}

/* Each service that has programs of its own needs a port for them to run. */
static void
put_ports(struct buf *conf)
{
	unsigned i;

	for (i = 1; i < SERVICE_COUNT; i++) {
		if (i == SERVICE_LOCAL || i == SERVICE_CONTROL)
			continue;
		if (i == SERVICE_SMTP || i == SERVICE_SUBMISSION ||
		    i == SERVICE_IMAP || i == SERVICE_PROBE)
			buf_printf(conf, "listen_%s = 127.0.0.1:%u\n",
			    service_name((enum service)i), free_port());
		else
			buf_printf(conf, "listen_%s =\n",
			    service_name((enum service)i));
	}
}

static int
put_conf(const struct selftest *s, struct buf *why)
{
	struct buf conf = BUF_INIT(4000);
	int r = -1, fd = open(path_of(s, "rohrpost.conf"),
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	buf_printf(&conf, "state_dir = %s\nprogram_dir = %s/bin\n"
	    "tls_certificate = %s/cert.pem\ntls_key = %s/key.pem\n"
	    "session_uid_first = %u\nsession_uid_last = %u\n"
	    "process_memory = 64M\nlogin_processes = 1\nsmtp_idle = 1\n"
	    "submission_idle = 1\ndeliver_workers = 1\nrelay_workers = 2\n"
	    "auth_pam_workers = 1\n"
	    "stop_time = 1s\n", s->dir, s->dir, s->dir, s->dir, UIDS_FIRST,
	    UIDS_FIRST + UIDS - 1);
	put_ports(&conf);
	if (fd != -1)
		r = fd_write_all(fd, conf.data, conf.len);
	if (r == -1)
		failed(why, "rohrpost.conf");
	fd_close(&fd);
	buf_clear(&conf);
	return r;
}

static int
put_programs(const struct selftest *s, struct buf *why)
{
	char path[PATH];
	unsigned i;

	if (mkdir(path_of(s, "bin"), 0755) == -1)
		return failed(why, s->dir);
	for (i = 0; i < PROGRAM_COUNT; i++) {
		if (programs[i].pool == POOL_RESERVED)
			continue;
		snprintf(path, sizeof(path), "%s/bin/%s", s->dir,
		    peer_name(programs[i].kind));
		if (symlink(LIBEXECDIR "/attacker", path) == -1 &&
		    errno != EEXIST)
			return failed(why, path);
	}
	return 0;
}

/* In the child: it ends with the command. */
static void
be_master(const struct selftest *s)
{
	int fd = open(path_of(s, "words"), O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd == -1 || dup2(fd, STDOUT_FILENO) == -1 ||
	    dup2(fd, STDERR_FILENO) == -1)
		_exit(1);
	unsetenv("NOTIFY_SOCKET");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	execl(LIBEXECDIR "/master", "master", "-c", s->dir, "-f",
	    (char *)NULL);
	fprintf(stderr, "%s/master: %s\n", LIBEXECDIR, strerror(errno));
	_exit(1);
}

/* Nobody else gets in before all stands there: paths lead where they should. */
static int
make(struct selftest *s, struct buf *why)
{
	size_t i;

	umask(022);
	if (mkdtemp(s->dir) == NULL ||
	    (s->lock = open(s->dir, FOLDER)) == -1 ||
	    flock(s->lock, LOCK_SH) == -1)
		return failed(why, s->dir);
	for (i = 0; i < sizeof(baits) / sizeof(baits[0]); i++)
		if (put(s, &baits[i], why) == -1)
			return -1;
	if (put_conf(s, why) == -1 || put_programs(s, why) == -1)
		return -1;
	s->report = open(path_of(s, WALLS_REPORT),
	    O_RDWR | O_APPEND | O_TRUNC | O_CLOEXEC);
	if (s->report == -1)
		return failed(why, WALLS_REPORT);
	return chmod(s->dir, 0755) == -1 ? failed(why, s->dir) : 0;
}

/* Each program of the command's own, with a door to nobody. */
static int
workers(struct selftest *s, struct buf *why)
{
	struct ctl_worker_start start = { .conf_dir = s->dir,
		.user = WALLS_ACCOUNT };
	char bin[PATH];
	int pair[2];
	unsigned i;

	snprintf(bin, sizeof(bin), "%s/bin", s->dir);
	start.program_dir = bin;
	for (i = 0; i < PROGRAM_COUNT; i++) {
		if (programs[i].pool != POOL_COMMAND ||
		    s->n_workers == SELFTEST_WORKERS)
			continue;
		if (fd_pair(pair) == -1)
			return failed(why, programs[i].name);
		start.row = (enum program_id)i;
		start.door = pair[0];
		s->other[s->n_workers] = pair[1];
		if (worker_start(&s->worker[s->n_workers++], &start) == -1)
			return failed(why, programs[i].name);
	}
	return 0;
}

int
selftest_begin(struct selftest *s, struct buf *why)
{
	*s = (struct selftest){ .report = -1, .master = -1, .lock = -1 };
	snprintf(s->dir, sizeof(s->dir), "/tmp/%s", folder_name);
	selftest_sweep("/tmp");
	if (make(s, why) == -1)
		return -1;
	s->master = fork();
	if (s->master == 0)
		be_master(s);
	return s->master == -1 ? failed(why, "fork") : workers(s, why);
}

int
selftest_wait(struct selftest *s, int ms)
{
	int64_t end = clock_mono_ms() + ms;

	do {
		if (waitpid(s->master, NULL, WNOHANG) == s->master) {
			s->master = -1;
			return 1;
		}
		usleep(STEP_MS * 1000);
	} while (clock_mono_ms() < end);
	return 0;
}

void
selftest_words(const struct selftest *s, struct buf *words)
{
	int fd = open(path_of(s, "words"), O_RDONLY | O_CLOEXEC);

	if (fd != -1 && fd_slurp(fd, words) == -1)
		buf_set(words, _("master said too much"));
	fd_close(&fd);
}

/* What a run left that was killed: ours, old, and nobody is at work there. */
static int
is_left(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    st.st_mtime < time(NULL) - LEFT_AGE &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0;
}

void
selftest_sweep(const char *tmp)
{
	int at = open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;
	DIR *d = at != -1 ? fdopendir(at) : NULL;
	const struct dirent *e;

	if (d == NULL) {
		fd_close(&at);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (strlen(e->d_name) != sizeof(folder_name) - 1 ||
		    strncmp(e->d_name, folder_name,
		    strcspn(folder_name, "X")) != 0 ||
		    (fd = openat(at, e->d_name, FOLDER)) == -1)
			continue;
		if (!is_left(fd)) {
			close(fd);
			continue;
		}
		(void)tree_empty(fd);
		(void)unlinkat(at, e->d_name, AT_REMOVEDIR);
	}
	closedir(d);
}

void
selftest_end(struct selftest *s)
{
	int status;

	if (s->master != -1) {
		kill(s->master, SIGTERM);
		if (!selftest_wait(s, STOP_MS)) {
			kill(s->master, SIGKILL);
			waitpid(s->master, &status, 0);
		}
	}
	while (s->n_workers > 0) {
		(void)worker_end(&s->worker[--s->n_workers]);
		fd_close(&s->other[s->n_workers]);
	}
	fd_close(&s->report);
	fd_close(&s->lock);
	(void)tree_remove(AT_FDCWD, s->dir);
}
