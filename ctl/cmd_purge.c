/*
 * purge: what the suite and its operator have made goes; the mail only where
 * that is asked for.
 */
#include "config.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cmd_sieve.h"
#include "ctl/commands.h"
#include "ctl/ctl_ask.h"
#include "ctl/ctl_renew.h"
#include "ctl/ctl_table.h"
#include "ctl/ctl_util.h"
#include "ctl/setup_check.h"
#include "lib/base/fd.h"
#include "lib/base/tree.h"
#include "lib/base/words.h"

struct purge {
	const char *conf_dir, *state_dir;
	int	 conf, state;		/* descriptors; -1: no such directory */
	int	 failed;
};

/* Whoever holds one of these lives: master, queue, store. */
static const char *const locks[] = { "run/master.pid", "run/queue.lock",
	"run/store.lock" };
static const char *const state_names[] = { "run", "jail", "auth", "log",
	"audit.log" };
static const char spool[] = "spool";

static int
open_dir(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Takes the locks till the command ends: nothing starts meanwhile. */
static int
take_locks(const struct purge *p)
{
	size_t i;
	int fd;

	for (i = 0; p->state != -1 && i < sizeof(locks) / sizeof(locks[0]);
	    i++) {
		fd = openat(p->state, locks[i], O_RDWR | O_NOFOLLOW |
		    O_CLOEXEC);
		if (fd == -1 && errno != ENOENT)
			return ctl_fail(-1, "%s/%s: %s", p->state_dir,
			    locks[i], strerror(errno));
		if (fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == -1) {
			fd_close(&fd);
			return ctl_fail(-1, _("the suite runs (%s/%s): stop it "
			    "first"), p->state_dir, locks[i]);
		}
	}
	return 0;
}

static void
drop(struct purge *p, int at, const char *dir, const char *name)
{
	if (at == -1 || tree_remove(at, name) == 0)
		return;
	p->failed = ctl_fail(1, "%s/%s: %s", dir, name, strerror(errno));
}

/* A file of the configuration, and what an edit that broke off left of it. */
static void
drop_conf(struct purge *p, const char *name)
{
	static const char *const ends[] = { ".new", ".old", "" };
	struct buf path = BUF_INIT(0);
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		buf_set(&path, "%s%s", name, ends[i]);
		drop(p, p->conf, p->conf_dir, buf_str(&path));
	}
	buf_clear(&path);
}

/* rohrpost.conf last: where something fails it still says what is meant. */
static void
drop_confs(struct purge *p)
{
	size_t i;

	for (i = 0; i < TEXT_COUNT; i++)
		drop_conf(p, ctl_tables[i]->file);
	for (i = 0; i < SETUP_FILES; i++)
		drop_conf(p, setup_files[i].name);
	drop_conf(p, SIEVE_BEFORE);
	drop_conf(p, ".edit");
	drop_conf(p, ".setup");
	drop_conf(p, ".setup.answers");
	drop_conf(p, ".lock");
	if (!p->failed)
		drop_conf(p, "rohrpost.conf");
}

/* Where something is left in a directory, it stays. */
static void
purge(struct purge *p, int mail)
{
	size_t i;

	if (mail)
		drop(p, p->state, p->state_dir, spool);
	for (i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++)
		drop(p, p->state, p->state_dir, state_names[i]);
	if (!p->failed)
		drop_confs(p);
	if (!p->failed && rmdir(p->state_dir) == -1 && errno != ENOENT &&
	    faccessat(p->state, spool, F_OK, 0) == 0)
		printf(_("the mail is kept in %s/%s; \"rohrpost purge --mail\" "
		    "removes it\n"), p->state_dir, spool);
	if (!p->failed)
		(void)rmdir(p->conf_dir);
}

static int
confirmed(const struct purge *p, int mail)
{
	struct buf words = BUF_INIT(0);
	int r;

	if (!ctl_at_terminal())
		return 1;
	buf_printf(&words, mail ? _("Remove the configuration in %s, log and "
	    "state in %s, with all mail, what waits in the queue too?") :
	    _("Remove the configuration in %s, log and state in %s (the mail "
	    "stays)?"), p->conf_dir, p->state_dir);
	r = ctl_confirmed(buf_str(&words));
	buf_clear(&words);
	return r ? 1 : ctl_fail(0, _("nothing was removed"));
}

/*
 * Without a rohrpost.conf the default directories are meant, as they stand
 * after a purge that kept the mail; never those for a -c that is wrong.
 */
static int
load(struct ctl *c)
{
	struct buf path = BUF_INIT(0);
	int absent;

	buf_printf(&path, "%s/rohrpost.conf", c->dir);
	absent = access(buf_str(&path), F_OK) == -1 && errno == ENOENT;
	buf_clear(&path);
	if (!absent || strcmp(c->dir, SYSCONFDIR) != 0)
		return ctl_load(c);
	c->state_dir = STATEDIR;
	return 0;
}

int
cmd_purge(struct ctl *c)
{
	int mail = c->opt[0] != NULL;
	struct purge p = { .conf_dir = c->dir };

	if (load(c) == -1)
		return CTL_REFUSED;
	p.state_dir = c->state_dir;
	p.conf = open_dir(p.conf_dir);
	p.state = open_dir(p.state_dir);
	if (take_locks(&p) == 0 && confirmed(&p, mail))
		purge(&p, mail);
	else
		p.failed = 1;
	fd_close(&p.conf);
	fd_close(&p.state);
	return p.failed ? CTL_REFUSED : CTL_DONE;
}
