/*
 * Options to after_jail: how a process starts.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/server/privdrop.h"
#include "lib/server/seccomp.h"
#include "lib/server/server_impl.h"

/* gcc says so by a macro, clang by a feature; shadow memory needs the space. */
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

enum {
	WHY_MAX = 2000,
	WORKER_FILES = 1024,	/* descriptors of a worker */
	LOOP_FILES = 65536,	/* of a loop, where the system allows it */
	FILE_MORE = 1 << 20,	/* octets beyond thrice message_size */
	SPACE_MORE = 256 << 20,	/* libraries and files, beside the memory */
	LOCK_TRIES = 500,
	LOCK_WAIT = 20000,	/* us */
};

struct server_conf {
	uint64_t memory;
};

static struct server_conf server_conf;
/* Read by every program, and so printed by each with -K. */
static const struct settings_key server_keys[] = {
	{ "process_memory", SETTINGS_SIZE, offsetof(struct server_conf, memory),
	  "2G", 64 << 20, (uint64_t)1 << 40, NULL,
	  N_("most memory that one process may use") },
	SETTINGS_END
};

static void
usage(const struct server *s)
{
	log_init(peer_name(s->kind), 1);
	log_usage("usage: %s -c DIR [-n | -K | -V] [-s SERVICE] [-U UID:GID]",
	    peer_name(s->kind));
}

static int
parse_ids(const char *arg, long *uid_r, long *gid_r)
{
	const char *colon = strchr(arg, ':');
	uint64_t uid, gid;

	if (colon == NULL ||
	    str_number(arg, (size_t)(colon - arg), 0xfffffffe, &uid) == -1 ||
	    str_number(colon + 1, strlen(colon + 1), 0xfffffffe, &gid) == -1 ||
	    uid == 0 || gid == 0)
		return -1;
	*uid_r = (long)uid;
	*gid_r = (long)gid;
	return 0;
}

static int
load_keys(const struct settings_key *keys, void *conf, struct buf *why)
{
	char path[SETTINGS_PATH_MAX + 20];

	if (server_state.conf_fd == -1)
		return settings_load(server_state.conf_dir, keys, conf, why);
	snprintf(path, sizeof(path), "%s/rohrpost.conf", server_state.conf_dir);
	return settings_load_fd(server_state.conf_fd, path, keys, conf, why);
}

static int
load(const struct server *s, struct buf *why)
{
	if (load_keys(server_keys, &server_conf, why) == -1 ||
	    load_keys(s->keys, s->conf, why) == -1)
		return -1;
	log_verbose(*s->verbose);
	return 0;
}

static void
print_keys(const struct server *s)
{
	settings_print(server_keys);
	settings_print(s->keys);
	exit(fflush(stdout) == 0 ? 0 : LOG_EXIT_TEMP);
}

/* -n: one line per fault, for the operator; exit status 0 or 100. */
static void
check_only(const struct server *s)
{
	struct buf why = BUF_INIT(WHY_MAX);

	log_init(peer_name(s->kind), 1);
	words_init(LOCALEDIR);
	if (load(s, &why) == -1 || (s->check != NULL &&
	    s->check(&why) == -1)) {
		settings_place(server_state.conf_dir, &why);
		log_usage("%s", buf_str(&why));
	}
	exit(0);
}

/* -F N */
static int
take_files(const char *arg)
{
	struct server_state *st = &server_state;

	if (strcmp(arg, "1") != 0 && strcmp(arg, "3") != 0)
		return -1;
	st->conf_fd = SERVER_CONF_FD;
	fd_cloexec(SERVER_CONF_FD, 1);
	if (arg[0] == '1')
		return 0;
	st->files[SERVER_FILE_CERT] = SERVER_CERT_FD;
	st->files[SERVER_FILE_KEY] = SERVER_KEY_FD;
	fd_cloexec(SERVER_CERT_FD, 1);
	fd_cloexec(SERVER_KEY_FD, 1);
	return 0;
}

static void
drop_files(void)
{
	int i;

	fd_close(&server_state.conf_fd);
	for (i = 0; i < SERVER_FILES; i++)
		fd_close(&server_state.files[i]);
}

static void
options(int argc, char **argv, const struct server *s)
{
	struct server_state *st = &server_state;
	int c, check = 0;

	while ((c = getopt(argc, argv, "c:nKVU:s:F:")) != -1)
		switch (c) {
		case 'c':
			if (str_copy(st->conf_dir, sizeof(st->conf_dir),
			    optarg) == -1)
				usage(s);
			break;
		case 'n':
			check = 1;
			break;
		case 'K':
			print_keys(s);
			break;
		case 'V':
			printf("%s (%s %s)\n", peer_name(s->kind),
			    PACKAGE_NAME, PACKAGE_VERSION);
			exit(0);
		case 'U':
			if (parse_ids(optarg, &st->uid, &st->gid) == -1)
				usage(s);
			break;
		case 's':
			st->service = service_by_name(optarg);
			if (st->service == SERVICE_NONE)
				usage(s);
			break;
		case 'F':
			if (take_files(optarg) == -1)
				usage(s);
			break;
		default:
			usage(s);
		}
	if (optind != argc || st->conf_dir[0] == '\0')
		usage(s);
	if (check)
		check_only(s);
}

/* Our row in the table of programs. */
static void
find_row(const struct server *s)
{
	const struct program *row = program_find(s->kind,
	    server_state.service);

	if (row == NULL)
		usage(s);
	if (row->loop != server_state.loop)
		log_panic("%s: the row says another shape", row->name);
	server_state.row = row;
}

/* Nothing but master's exec gives a process a socket as descriptor 3. */
static void
find_master(const struct server *s)
{
	socklen_t len = sizeof(int);
	int type;

	if (getsockopt(SERVER_MASTER_FD, SOL_SOCKET, SO_TYPE, &type, &len) ==
	    -1 || type != SOCK_STREAM) {
		log_init(peer_name(s->kind), 1);
		log_usage("%s is started by rohrpost's master (rohrpost start)",
		    peer_name(s->kind));
	}
	log_init(peer_name(s->kind), 0);
	fd_cloexec(SERVER_MASTER_FD, 1);
	chan_init(&server_state.master, SERVER_MASTER_FD);
	/* The end of the channel tells the same, but only who listens. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void
signals(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	/* Somebody opens a file that has our lease (fd_no_writer). */
	signal(SIGIO, SIG_IGN);
}

static void
limit(int what, rlim_t most)
{
	struct rlimit r;

	if (getrlimit(what, &r) == -1)
		return;
	if (r.rlim_max > most)
		r.rlim_max = most;
	r.rlim_cur = r.rlim_max;
	setrlimit(what, &r);
}

static void
limits(const struct server *s)
{
	limit(RLIMIT_CORE, 0);
	if (s->message_size != NULL)
		limit(RLIMIT_FSIZE, 3 * *s->message_size + FILE_MORE);
	limit(RLIMIT_NOFILE, server_state.loop ? LOOP_FILES : WORKER_FILES);
#ifndef SANITIZED
	limit(RLIMIT_DATA, server_conf.memory);
	/* And what is no data of its own: maps of files, of shared pages. A
	   thread has address space that it does not use (malloc's arenas). */
	if (!(server_state.row->rights & RIGHT_THREADS))
		limit(RLIMIT_AS, server_conf.memory + SPACE_MORE);
#endif
	/* No second process, nor thread, whoever else has the uid: one of a
	   session is free when its only process was reaped. */
	if (server_state.dropped && !(server_state.row->rights & RIGHT_THREADS))
		limit(RLIMIT_NPROC, 1);
}

/*
 * Master's death ends us by a signal, but not before the next master starts:
 * whoever owns a database waits here until its forerunner is gone. The lock
 * lives as long as the process.
 */
static void
only_one(const struct server *s)
{
	char name[40];
	int i, fd;

	snprintf(name, sizeof(name), "run/%s.lock", peer_name(s->kind));
	fd = open(server_path(name), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd == -1)
		log_fatal("%s: %s", server_path(name), strerror(errno));
	for (i = 0; flock(fd, LOCK_EX | LOCK_NB) == -1; i++) {
		if (errno != EWOULDBLOCK || i >= LOCK_TRIES)
			log_fatal("%s: another %s lives", server_path(name),
			    peer_name(s->kind));
		usleep(LOCK_WAIT);
	}
}

static gid_t
group_id(const char *name)
{
	struct group *g;

	if (name == NULL)
		return (gid_t)-1;
	if ((g = getgrnam(name)) == NULL)
		log_usage("the system group %s is missing: run systemd-sysusers"
		    " with " SYSUSERS, name);
	return g->gr_gid;
}

/* Who we will be. Asked before before_jail: NSS may dlopen. */
static void
identity(const struct server *s, struct privdrop *p, char *jail, size_t size)
{
	const struct program *row = server_state.row;
	struct passwd *pw;

	p->extra_gid = (gid_t)-1;
	if (server_state.uid != -1) {
		p->uid = (uid_t)server_state.uid;
		p->gid = (gid_t)server_state.gid;
	} else if (row->user == NULL) {
		usage(s);
	} else {
		if ((pw = getpwnam(row->user)) == NULL)
			log_usage("the system user %s is missing: run "
			    "systemd-sysusers with " SYSUSERS, row->user);
		p->uid = pw->pw_uid;
		p->gid = pw->pw_gid;
		p->extra_gid = group_id(row->group);
	}
	if (row->jail) {
		str_copy(jail, size, server_path("jail"));
		p->jail = jail;
	}
}

/* By the name in the row, not by whatever its user's number is. */
static int
stays_root(void)
{
	return server_state.row->user != NULL &&
	    strcmp(server_state.row->user, "root") == 0;
}

void
server_begin(int argc, char **argv, const struct server *s, int loop)
{
	struct privdrop p = { .jail = NULL };
	struct buf why = BUF_INIT(WHY_MAX);
	char jail[SETTINGS_PATH_MAX];
	int root = geteuid() == 0;

	server_state.s = s;
	server_state.loop = loop;
	options(argc, argv, s);
	find_master(s);
	find_row(s);
	signals();
	umask(002);	/* every open says its mode */
	if (load(s, &why) == -1)
		log_usage("%s", buf_str(&why));
	if (root)
		identity(s, &p, jail, sizeof(jail));
	if (server_state.row->sole)
		only_one(s);
	if (s->before_jail != NULL && s->before_jail() == -1)
		exit(LOG_EXIT_TEMP);
	drop_files();
	if (root) {
		if ((stays_root() ? privdrop_to_files(&why) :
		    privdrop(&p, &why)) == -1)
			log_fatal("%s", buf_str(&why));
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* the drop cleared it */
		if (server_filter(server_state.row->rights, &why) == -1)
			log_fatal("%s", buf_str(&why));
		server_state.dropped = 1;
		server_state.chrooted = p.jail != NULL;
	}
	limits(s);
	if (s->after_jail != NULL && s->after_jail() == -1)
		exit(LOG_EXIT_TEMP);
	buf_clear(&why);
}
