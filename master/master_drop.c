/*
 * A pass goes through the directory once, as far as it may: where processes or
 * the looks of a second are used up, it waits where it is. Whatever was sent
 * brings another pass, for more of its owner may stand there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "master/master.h"
#include "master/master_drop.h"
#include "master/master_drop_file.h"
#include "master/master_proc.h"
#include "master/master_setup.h"

enum {
	PROCS = 8,		/* that send at a time */
	OWN = 2,		/* of them, of one user */
	NAMES = 10000,		/* that are read in a second */
	LOOK = 20,		/* names that a look at a file counts as */
};
static const double EVERY = 60;		/* s from one pass to the next */
static const double LONGEST = 1800;	/* s for a message */

struct job {
	uint32_t instance;	/* of its process; 0: free */
	struct drop_file file;
};

static struct job jobs[PROCS];
static DIR *pass;		/* NULL: none is under way */
static int wanted;		/* another one */
static int budget, said;
static double next;
static uid_t ours[PROGRAM_COUNT];	/* users of the programs */
static unsigned n_ours;

void
drop_init(void)
{
	const struct passwd *pw;
	unsigned i;

	/* Root's own are sent, whatever else runs as root. */
	for (i = 0; master.root && i < PROGRAM_COUNT; i++)
		if (programs[i].user != NULL &&
		    (pw = getpwnam(programs[i].user)) != NULL &&
		    pw->pw_uid != 0)
			ours[n_ours++] = pw->pw_uid;
}

/*
 * Whoever broke into a program of the suite gets nothing sent by this way; and
 * without root nobody's file but our own can be sent as his.
 */
static int
may_send(uid_t uid)
{
	unsigned i;

	if (!master.root)
		return uid == geteuid();
	for (i = 0; i < n_ours; i++)
		if (ours[i] == uid)
			return 0;
	return uid < master.conf.session_uid_first ||
	    uid > master.conf.session_uid_last;
}

static unsigned
running(void)
{
	unsigned i, n = 0;

	for (i = 0; i < PROCS; i++)
		n += jobs[i].instance != 0;
	return n;
}

/* True while no other file of that user can be sent, or it is that one. */
static int
is_busy(const char *name, uid_t uid)
{
	unsigned i, own = 0;

	for (i = 0; i < PROCS; i++) {
		if (jobs[i].instance == 0 || jobs[i].file.uid != uid)
			continue;
		if (++own == OWN || strcmp(jobs[i].file.name, name) == 0)
			return 1;
	}
	return 0;
}

/* message_size may have been larger when it was written. */
static uint64_t
largest(void)
{
	return DROP_SIZES * master.conf.message_size + 2 * DROP_ENVELOPE_MAX;
}

/* Hands the file to a process of its owner; root's has a user of its own. */
static void
start(int fd, const struct drop_file *f)
{
	struct proc *p = proc_spawn_as(PROGRAM_PICKUP, f->name,
	    (uint32_t)f->uid);
	unsigned i;

	for (i = 0; jobs[i].instance != 0;)
		i++;
	if (p == NULL) {
		close(fd);
		return;
	}
	jobs[i].instance = p->instance;
	jobs[i].file = *f;
	link_begin(&p->link, WIRE_SESSION, 0);
	msg_u32(&p->link.chan, WF_SERVICE, SERVICE_LOCAL);
	msg_text(&p->link.chan, WF_USER, f->name);
	msg_text(&p->link.chan, WF_REMOTE, "local");
	msg_fd(&p->link.chan, fd);
	proc_end(p);
	proc_flush(p);
}

static void
look(const char *name)
{
	struct drop_file f;
	uid_t uid;
	int fd;

	budget--;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return;
	if (strncmp(name, DROP_BAD, strlen(DROP_BAD)) == 0) {
		budget -= LOOK;
		drop_file_bad(dirfd(pass), name, time(NULL));
		return;
	}
	if (!drop_file_name(name, &uid) || !may_send(uid)) {
		budget -= LOOK;
		drop_file_junk(dirfd(pass), name);
		return;
	}
	if (is_busy(name, uid))
		return;
	budget -= LOOK;
	fd = drop_file_open(dirfd(pass), name, uid, largest(), time(NULL), &f);
	if (fd != -1)
		start(fd, &f);
}

static int
begin(void)
{
	wanted = 0;
	next = ev_now(master.loop) + EVERY;
	pass = fd_opendir(AT_FDCWD, setup_path(DROP_FOLDER));
	if (pass == NULL && !said)
		log_warn("%s: %s", setup_path(DROP_FOLDER), strerror(errno));
	said = pass == NULL;
	return pass == NULL ? -1 : 0;
}

void
drop_turn(void)
{
	const struct dirent *e;

	if (master.phase != PHASE_RUN || (pass == NULL && !wanted) ||
	    (pass == NULL && begin() == -1))
		return;
	while (budget > 0 && running() < PROCS) {
		if ((e = readdir(pass)) == NULL) {
			closedir(pass);
			pass = NULL;
			return;
		}
		look(e->d_name);
	}
}

void
drop_tick(double now)
{
	struct proc *p;

	budget = NAMES;
	if (now >= next)
		wanted = 1;
	TAILQ_FOREACH(p, &master.rows[PROGRAM_PICKUP].procs, in_row)
		if (now - p->started > LONGEST && !p->lost)
			proc_kill(p);
}

void
drop_died(const struct proc *p, int status)
{
	enum drop_status s = DROP_LATER;
	unsigned i;
	int at;

	if (p->row != PROGRAM_PICKUP)
		return;
	for (i = 0; i < PROCS && jobs[i].instance != p->instance;)
		i++;
	if (i == PROCS)
		return;
	jobs[i].instance = 0;
	if (WIFEXITED(status))
		s = (enum drop_status)WEXITSTATUS(status);
	at = open(setup_path(DROP_FOLDER), O_PATH | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (at == -1)
		return;
	/* More of its owner may stand there. */
	wanted |= drop_file_done(at, &jobs[i].file, s, time(NULL));
	close(at);
}
