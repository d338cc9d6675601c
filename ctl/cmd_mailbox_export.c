/* mailbox export: what an account has, as files. */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/box_export.h"
#include "ctl/commands.h"
#include "ctl/ctl_door.h"
#include "ctl/ctl_util.h"
#include "lib/base/fd.h"
#include "lib/base/words.h"

/* The folder that was named: a link there is the operator's own word. */
static int
open_top(const char *path)
{
	static const char mark[] = "1\n";
	int fd;

	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return ctl_fail(-1, "%s: %s", path, strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || fd_replace(fd, BOX_EXPORT_MARK, 0600, mark,
	    strlen(mark)) == -1) {
		ctl_fail(0, "%s: %s", path, strerror(errno));
		fd_close(&fd);
	}
	return fd;
}

/* The list of subscriptions, as Dovecot has it (version 2). */
static int
write_subscriptions(int top, const struct door_mailbox *list, size_t n)
{
	struct buf out = BUF_INIT(0);
	const char *p;
	size_t i;
	int r;

	buf_puts(&out, "V\t2\n\n");
	for (i = 0; i < n; i++) {
		if (!(list[i].attrs & ATTR_SUBSCRIBED))
			continue;
		for (p = list[i].name; *p != '\0'; p++)
			buf_putc(&out, *p == '/' ? '\t' : *p);
		buf_putc(&out, '\n');
	}
	r = fd_replace(top, "subscriptions", 0600, buf_str(&out), out.len);
	buf_clear(&out);
	return r;
}

static int
one_mailbox(struct box_export *x, int mbox)
{
	uint32_t *gone = NULL;
	uint64_t modseq;
	size_t n_gone;
	int complete, r;

	buf_reset(&x->keywords);
	if (door_keywords(x->door, x->m->id, &x->keywords) == -1 ||
	    door_records(x->door, x->m->id, 0, &x->rec, &x->n, &gone, &n_gone,
	    &modseq, &complete) == -1) {
		/* Deleted meanwhile: so it has nothing. */
		if (door_error(x->door) == D_ABSENT)
			return 0;
		x->status = door_said(x->door, x->m->name);
		return -1;
	}
	r = mbox ? box_export_mbox(x) : box_export_maildir(x);
	free(x->rec);
	free(gone);
	return r;
}

static int
all_mailboxes(struct box_export *x, const char *account, int mbox)
{
	struct door_mailbox *list;
	size_t n, i;
	int r = 0;

	if (door_list(x->door, &list, &n) == -1) {
		x->status = door_said(x->door, account);
		return -1;
	}
	for (i = 0; i < n && r == 0; i++) {
		x->m = &list[i];
		if (!(list[i].attrs & ATTR_NOSELECT))
			r = one_mailbox(x, mbox);
	}
	if (r == 0 && !mbox && write_subscriptions(x->top, list, n) == -1) {
		x->status = ctl_fail(CTL_REFUSED, "subscriptions: %s",
		    strerror(errno));
		r = -1;
	}
	door_list_free(&list, n);
	return r;
}

int
cmd_mailbox_export(struct ctl *c)
{
	const char *maildir = c->opt[OPT_BOX_EXPORT_MAILDIR];
	const char *mbox = c->opt[OPT_BOX_EXPORT_MBOX];
	struct box_export x = { .progress = isatty(STDERR_FILENO) };
	struct door d;
	int r;

	if ((maildir == NULL) == (mbox == NULL))
		return ctl_fail(CTL_USAGE, _("say where to: --maildir DIR or "
		    "--mbox DIR"));
	if ((r = door_named(c, c->args[0], &d, NULL)) != CTL_DONE)
		return r;
	x.door = &d;
	if ((x.top = open_top(maildir != NULL ? maildir : mbox)) == -1) {
		door_clear(&d);
		return CTL_REFUSED;
	}
	r = all_mailboxes(&x, c->args[0], mbox != NULL);
	if (x.progress)
		fputs("\r\033[K", stderr);
	printf(_("%llu messages are written, %llu were there already\n"),
	    (unsigned long long)x.written, (unsigned long long)x.there);
	close(x.top);
	buf_clear(&x.keywords);
	door_clear(&d);
	return r == -1 ? x.status : CTL_DONE;
}
