#include "config.h"

#include <sys/stat.h>

#include <string.h>
#include <unistd.h>

#include "ctl/ctl_diff.h"
#include "ctl/setup_check.h"
#include "ctl/setup_show.h"
#include "lib/base/fd.h"
#include "lib/base/words.h"

/* A file of the configuration directory. 1: it differs from the new text. */
static size_t
put_file(struct setup *s, const char *name, const struct buf *text,
    struct buf *out)
{
	struct buf old = BUF_INIT(TEXT_FILE_MAX), path = BUF_INIT(0);
	size_t before = out->len;
	int fd = fd_open_file(s->set.dirfd, name, 0);

	buf_printf(&path, "%s/%s", s->dir, name);
	if (fd == -1 || fd_slurp(fd, &old) == -1)
		buf_printf(out, "%s:\n%s\n", buf_str(&path), buf_str(text));
	else
		diff_unified(buf_str(&path), &old, text, out);
	fd_close(&fd);
	buf_clear(&old);
	buf_clear(&path);
	return out->len > before;
}

static const char *
line_of(const struct text *t, const struct row *r)
{
	return t->lines[r->line - 1].text;
}

/* Of a table of secrets the keys of its new lines. */
static size_t
put_secrets(struct setup *s, const struct text *t, struct buf *out)
{
	struct buf why = BUF_INIT(0);
	const struct row *r, *before;
	struct text old;
	size_t i = 0, n = 0;

	text_init(&old, t->table);
	if (text_load(&old, s->set.dirfd, s->dir, &why) == -1)
		n = 1;		/* set_open has said it */
	while ((r = text_next(t, &i)) != NULL) {
		before = text_find(&old, r->key);
		if (before != NULL && strcmp(line_of(&old, before),
		    line_of(t, r)) == 0)
			continue;
		n++;
		if (!s->fresh)
			buf_printf(out, before == NULL ?
			    _("%s/%s: %s: a new line\n") :
			    _("%s/%s: %s: another line\n"), s->dir,
			    t->table->file, r->key);
	}
	text_clear(&old);
	buf_clear(&why);
	return n;
}

static size_t
put_tables(struct setup *s, struct buf *out)
{
	struct buf text = BUF_INIT(0);
	const struct text *t;
	size_t n = 0, i;

	for (i = 0; i < TEXT_COUNT; i++) {
		t = &s->set.t[i];
		if (!t->dirty)
			continue;
		if ((t->table->mode & 044) == 0) {
			n += put_secrets(s, t, out);
			continue;
		}
		buf_reset(&text);
		text_print(t, &text);
		n += put_file(s, t->table->file, &text, out);
	}
	buf_clear(&text);
	return n;
}

/* Is it missing? */
static size_t
put_state(struct setup *s, struct buf *out)
{
	struct buf path = BUF_INIT(0);
	struct stat st;
	int missing;

	buf_printf(&path, "%s/jail/tables.cdb", s->state_dir);
	missing = stat(buf_str(&path), &st) == -1;
	if (missing)
		buf_printf(out, _("%s: the directories\n"), s->state_dir);
	if (missing && geteuid() == 0)
		buf_puts(out, _("the system users rp-*, where missing\n"));
	buf_clear(&path);
	return missing != 0;
}

size_t
setup_changes(struct setup *s, struct buf *out)
{
	struct buf text = BUF_INIT(0);
	size_t n;

	conf_print(&s->conf, &text);
	n = put_file(s, "rohrpost.conf", &text, out);
	n += put_tables(s, out);
	if (s->file[SETUP_RELAY_PASSWORD].len > 0) {
		buf_printf(out, _("%s/relay.password: what was answered\n"),
		    s->dir);
		n++;
	}
	if (s->file[SETUP_CERT].len > 0) {
		buf_printf(out, _("%s/certificate.pem and key.pem: new, "
		    "self-signed, for %s\n"), s->dir, s->hostname);
		n++;
	}
	n += put_state(s, out);
	buf_clear(&text);
	return n;
}
