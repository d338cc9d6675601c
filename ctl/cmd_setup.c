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
told(struct setup *s)
{
	const char *dir = s->ctl->dir;
	int there = strcmp(dir, SYSCONFDIR) == 0;

	printf(_("%s: ready; \"rohrpost%s%s start\" starts it\n"), s->dir,
	    there ? "" : " -c ", there ? "" : dir);
	if (s->set.t[TEXT_DKIM].dirty)
		printf(_("mail is signed once you have published what \"rohrpost "
		    "dkim show\" says, and said \"rohrpost dkim activate "
		    "DOMAIN\"\n"));
}

/* The exit status. */
static int
end(struct setup *s, enum setup_end r, const struct buf *why)
{
	int status = CTL_DONE;

	if (r == SETUP_REFUSED)
		return ctl_say(CTL_REFUSED, why);
	if (r == SETUP_SAME)
		printf(_("%s: nothing to change\n"), s->dir);
	else if (r == SETUP_WRITTEN) {
		status = setup_reload(s->ctl);
		if (status == -1) {
			told(s);
			status = CTL_DONE;
		}
	}
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
	enum setup_end r = SETUP_REFUSED;
	int status;

	if (get_answers(&s, &why) == 0)
		r = setup_run(&s, &way, &why);
	c->unchanged = r == SETUP_SHOWN || r == SETUP_SAME || way.dry;
	status = end(&s, r, &why);
	setup_finish(&s);
	buf_clear(&why);
	return status;
}
