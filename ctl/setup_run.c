/*
 * From answers to what is written.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cmd_table.h"
#include "ctl/commands.h"
#include "ctl/ctl_ask.h"
#include "ctl/ctl_commit.h"
#include "ctl/ctl_control.h"
#include "ctl/ctl_system.h"
#include "ctl/ctl_util.h"
#include "ctl/setup_check.h"
#include "ctl/setup_conf.h"
#include "ctl/setup_run.h"
#include "ctl/setup_show.h"
#include "ctl/setup_tables.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"

/* The directory must be there before it can be locked and staged in. */
static int
make_dir(struct setup *s, struct buf *why)
{
	struct stat st;

	s->made_dir = stat(s->ctl->dir, &st) == -1;
	if (system_mkdir(s->ctl->dir, 0755) == -1) {
		buf_set(why, "%s: %s", s->ctl->dir, strerror(errno));
		return -1;
	}
	s->dir = realpath(s->ctl->dir, NULL);
	if (s->dir == NULL) {
		buf_set(why, "%s: %s", s->ctl->dir, strerror(errno));
		return -1;
	}
	if (set_open(&s->set, ctl_tables, s->dir, 1, why) == -1)
		return -1;
	s->set_open = 1;
	return faccessat(s->set.dirfd, "rohrpost.conf", F_OK, 0) == 0 ?
	    table_pam(&s->set, s->dir, why) : 0;
}

static int
build(struct setup *s, struct buf *why)
{
	if (keys_load(&s->keys, why) == -1 ||
	    make_dir(s, why) == -1 || setup_tables(s, why) == -1 ||
	    setup_conf(s, why) == -1 || setup_host(s, why) == -1 ||
	    setup_dkim(s, why) == -1)
		return -1;
	return setup_check(s, why);
}

/* The file before goes to rohrpost.conf.old where it changes. */
static int
write_conf(struct setup *s, struct buf *why)
{
	struct buf text = BUF_INIT(0), old = BUF_INIT(1 << 20);
	int fd, r = 0;

	conf_print(&s->conf, &text);
	fd = fd_open_file(s->set.dirfd, "rohrpost.conf", 0);
	if (fd != -1 && fd_slurp(fd, &old) == 0 && (old.len != text.len ||
	    memcmp(old.data, text.data, text.len) != 0))
		r = fd_replace(s->set.dirfd, "rohrpost.conf.old", 0644,
		    buf_str(&old), old.len);
	if (r == 0)
		r = fd_replace(s->set.dirfd, "rohrpost.conf", 0644,
		    buf_str(&text), text.len);
	if (r == -1)
		buf_set(why, "%s/rohrpost.conf: %s", s->dir, strerror(errno));
	fd_close(&fd);
	buf_clear(&text);
	buf_clear(&old);
	return r;
}

static int
write_files(struct setup *s, struct buf *why)
{
	if (setup_write_files(s, s->set.dirfd) == 0)
		return 0;
	buf_set(why, "%s: %s", s->dir, strerror(errno));
	return -1;
}

static int
write_all(struct setup *s, struct buf *why)
{
	gid_t gid[TABLE_CDBS];

	if (system_users(why) == -1 || system_dirs(s->state_dir, why) == -1)
		return -1;
	system_groups(gid);
	if (write_files(s, why) == -1 || write_conf(s, why) == -1 ||
	    ctl_load(s->ctl) == -1 || table_system(s->ctl, &s->set, why) == -1)
		return -1;
	return set_commit(&s->set, s->state_dir, gid, why);
}

/*
 * What is there already is not changed without a word of the operator: his
 * answer, or --yes. 1, 0: it is refused, with why.
 */
static int
may_write(struct setup *s, const struct setup_way *w, struct buf *why)
{
	if (w->yes || (s->fresh && !w->asked))
		return 1;
	if (!ctl_at_terminal())
		buf_set(why, _("nothing was written: it is set up already; add "
		    "--yes to save what is shown above"));
	else if (ctl_confirmed(_("Save these settings?")))
		return 1;
	else
		buf_set(why, _("nothing was written"));
	return 0;
}

enum setup_end
setup_run(struct setup *s, const struct setup_way *w, struct buf *why)
{
	struct buf shown = BUF_INIT(0);
	enum setup_end r = SETUP_REFUSED;
	size_t n;

	if (build(s, why) == -1)
		return SETUP_REFUSED;
	n = setup_changes(s, &shown);
	if (w->dry || w->asked || (!s->fresh && n > 0))
		fputs(buf_str(&shown), w->asked ? stderr : stdout);
	fflush(stdout);
	buf_clear(&shown);
	if (n == 0)
		r = SETUP_SAME;
	else if (w->dry)
		r = SETUP_SHOWN;
	else if (may_write(s, w, why)) {
		s->written = 1;
		r = write_all(s, why) == 0 ? SETUP_WRITTEN : SETUP_REFUSED;
	}
	return r;
}

int
setup_runs(struct ctl *c)
{
	int fd = control_connect(c->state_dir, PEER_MASTER);

	if (fd == -1)
		return 0;
	close(fd);
	return 1;
}

int
setup_reload(struct ctl *c)
{
	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	return setup_runs(c) ? cmd_reload(c) : -1;
}

void
setup_finish(struct setup *s)
{
	int i;

	if (s->set_open) {
		setup_unstage(s);
		if (s->made_dir && !s->written)
			unlinkat(s->set.dirfd, ".lock", 0);
		set_close(&s->set);
	}
	if (s->made_dir && !s->written)
		rmdir(s->ctl->dir);
	answers_clear(&s->answers);
	keys_clear(&s->keys);
	conf_clear(&s->conf);
	for (i = 0; i < SETUP_FILES; i++)
		buf_wipe(&s->file[i]);
	free(s->dir);
	free(s->hostname);
	free(s->state_dir);
}
