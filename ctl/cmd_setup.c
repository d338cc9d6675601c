/*
 * rohrpost setup: answers to a configuration that runs. It may be repeated:
 * what is there and good stays, what was answered anew is changed, once it was
 * shown.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/commands.h"
#include "ctl/ctl_ask.h"
#include "ctl/ctl_util.h"
#include "ctl/setup_ask.h"
#include "ctl/setup_end.h"
#include "ctl/setup_kept.h"
#include "ctl/setup_run.h"
#include "lib/base/fd.h"
#include "lib/base/words.h"

/* There are passwords in it. */
static void
warn_readable(const char *file, int fd)
{
	struct buf words = BUF_INIT(0);
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (st.st_mode & 044) == 0)
		return;
	buf_set(&words, _("%s: others can read it, and it may hold passwords: "
	    "chmod 600 %s"), file, file);
	ctl_warn(&words);
	buf_clear(&words);
}

static int
read_answers(struct setup *s, const char *file, struct buf *why)
{
	struct buf text = BUF_INIT(ANSWERS_FILE_MAX);
	int r, fd = STDIN_FILENO;

	if (strcmp(file, "-") != 0)
		fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd == -1 || fd_read_rest(fd, &text) == -1) {
		buf_set(why, "%s: %s", file, strerror(errno));
		r = -1;
	} else {
		warn_readable(file, fd);
		r = answers_parse(&s->answers, buf_str(&text), text.len, why);
	}
	if (fd != STDIN_FILENO)
		fd_close(&fd);
	buf_wipe(&text);
	return r;
}

static int
get_answers(struct setup *s, struct buf *why)
{
	const char *file = s->ctl->opt[OPT_SETUP_ANSWERS];

	answers_init(&s->answers, file == NULL ? _("answers") :
	    strcmp(file, "-") == 0 ? _("standard input") : file);
	if (file != NULL)
		return read_answers(s, file, why);
	if (ctl_at_terminal())
		return setup_ask(&s->answers, s->ctl->dir, why);
	buf_set(why, _("no terminal to ask on: use --answers FILE"));
	return -1;
}

static void
told(struct setup *s, int start)
{
	const char *dir = s->ctl->dir;
	int there = strcmp(dir, SYSCONFDIR) == 0;

	printf(_("%s: ready; \"rohrpost%s%s start\" starts it\n"), s->dir,
	    there ? "" : " -c ", there ? "" : dir);
	if (!start)
		setup_tell_dkim(s);
}

/*
 * What was asked for at a terminal, or with --start, ends with a suite that
 * runs and a test mail. In a container, where we are the first process, what
 * we start would end with us.
 */
static int
written(struct setup *s, int start)
{
	int status = setup_reload(s->ctl);

	kept_forget(s->dir);
	if (status == -1)
		status = CTL_DONE;
	if (status == CTL_DONE && start && setup_tell(s) == -1)
		status = CTL_REFUSED;
	if (status == CTL_DONE && start && getpid() != 1)
		return setup_try(s);
	if (status == CTL_DONE && !setup_runs(s->ctl))
		told(s, start);
	return status;
}

int
cmd_setup(struct ctl *c)
{
	struct setup s = { .ctl = c };
	struct buf why = BUF_INIT(0);
	const struct setup_way way = {
		.yes = c->opt[OPT_SETUP_YES] != NULL,
		.dry = c->opt[OPT_SETUP_DRY] != NULL,
		.asked = c->opt[OPT_SETUP_ANSWERS] == NULL,
	};
	const int start = way.asked || c->opt[OPT_SETUP_START] != NULL;
	enum setup_end r = SETUP_REFUSED;
	int status = CTL_DONE;

	if (get_answers(&s, &why) == 0)
		r = setup_run(&s, &way, &why);
	c->unchanged = r == SETUP_SHOWN || r == SETUP_SAME || way.dry;
	if (r == SETUP_REFUSED)
		status = ctl_say(CTL_REFUSED, &why);
	/* Next time they are proposed, each to be looked at. */
	if ((r == SETUP_REFUSED || r == SETUP_SHOWN) && way.asked &&
	    s.dir != NULL && kept_save(&s.answers, s.dir, 1, &why) == -1)
		ctl_say(0, &why);
	if (r == SETUP_SAME) {
		kept_forget(s.dir);
		printf(_("%s: nothing to change\n"), s.dir);
	} else if (r == SETUP_WRITTEN)
		status = written(&s, start);
	setup_finish(&s);
	buf_clear(&why);
	return status;
}
