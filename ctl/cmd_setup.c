/*
 * rohrpost setup: answers to a configuration that runs. It may be repeated:
 * what is there and good stays, what was answered anew is changed.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/commands.h"
#include "ctl/ctl_ask.h"
#include "ctl/ctl_commit.h"
#include "ctl/ctl_system.h"
#include "ctl/ctl_util.h"
#include "ctl/setup_ask.h"
#include "ctl/setup_check.h"
#include "ctl/setup_conf.h"
#include "ctl/setup_tables.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"

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
	return 0;
}

static int
build(struct setup *s, struct buf *why)
{
	if (get_answers(s, why) == -1 || keys_load(&s->keys, why) == -1 ||
	    make_dir(s, why) == -1 || setup_tables(s, why) == -1 ||
	    setup_conf(s, why) == -1 || setup_host(s, why) == -1 ||
	    setup_dkim(s, why) == -1)
		return -1;
	return setup_check(s, why);
}

static void
show(struct setup *s, FILE *f)
{
	struct buf text = BUF_INIT(0);
	int i;

	conf_print(&s->conf, &text);
	fprintf(f, "%s/rohrpost.conf:\n%s\n", s->dir, buf_str(&text));
	for (i = 0; i < TEXT_COUNT; i++) {
		if ((s->set.t[i].table->mode & 044) == 0 ||
		    !s->set.t[i].dirty)
			continue;
		buf_reset(&text);
		text_print(&s->set.t[i], &text);
		fprintf(f, "%s/%s:\n%s\n", s->dir,
		    s->set.t[i].table->file, buf_str(&text));
	}
	if (s->file[SETUP_RELAY_PASSWORD].len > 0)
		fprintf(f, _("%s/relay.password: what was answered\n"), s->dir);
	if (s->file[SETUP_CERT].len > 0)
		fprintf(f, _("%s/certificate.pem and key.pem: new, "
		    "self-signed, for %s\n"), s->dir, s->hostname);
	fprintf(f, _("%s: the directories\n"), s->state_dir);
	if (geteuid() == 0)
		fputs(_("the system users rp-*, where missing\n"), f);
	buf_clear(&text);
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
	if (write_files(s, why) == -1 || write_conf(s, why) == -1)
		return -1;
	return set_commit(&s->set, s->state_dir, gid, why);
}

static void
finish(struct setup *s, int written)
{
	int i;

	if (s->set_open) {
		setup_unstage(s);
		if (s->made_dir && !written)
			unlinkat(s->set.dirfd, ".lock", 0);
		set_close(&s->set);
	}
	if (s->made_dir && !written)
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

int
cmd_setup(struct ctl *c)
{
	struct setup s = { .ctl = c };
	struct buf why = BUF_INIT(0);
	int asked = c->opt[OPT_SETUP_ANSWERS] == NULL;
	int dry = c->opt[OPT_SETUP_DRY] != NULL, r, written = 0;

	c->unchanged = dry;
	r = build(&s, &why);
	if (r == 0 && (dry || asked))
		show(&s, dry ? stdout : stderr);
	if (r == 0 && !dry && asked && !ctl_confirmed(_("Save these "
	    "settings?"))) {
		buf_set(&why, _("nothing was written"));
		r = -1;
	}
	if (r == 0 && !dry) {
		written = 1;
		r = write_all(&s, &why);
	}
	if (r == -1)
		ctl_say(0, &why);
	else if (written)
		printf(_("%s: ready; \"rohrpost%s%s start\" starts it\n"),
		    s.dir, strcmp(c->dir, SYSCONFDIR) == 0 ? "" : " -c ",
		    strcmp(c->dir, SYSCONFDIR) == 0 ? "" : c->dir);
	if (r == 0 && written && s.set.t[TEXT_DKIM].dirty)
		printf(_("mail is signed once you have published what \"rohrpost "
		    "dkim show\" says, and said \"rohrpost dkim activate "
		    "DOMAIN\"\n"));
	finish(&s, written);
	buf_clear(&why);
	return r == 0 ? CTL_DONE : CTL_REFUSED;
}
