/*
 * The staging directory: what setup is about to write, where every program can
 * judge it before anything is in its place.
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
#include "ctl/ctl_check.h"
#include "ctl/ctl_renew.h"
#include "ctl/setup_check.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"

#define STAGE ".setup"

const struct setup_file_row setup_files[SETUP_FILES] = {
	[SETUP_CERT] = { RENEW_CERT, "tls_certificate", 0644 },
	[SETUP_KEY] = { RENEW_KEY, "tls_key", 0600 },
	[SETUP_RELAY_PASSWORD] = { "relay.password", "relay_password_file",
	    0600 },
};

/* The answer that a line of the new configuration came from, or NULL. */
static const struct setup_answer *
answer_of_line(struct setup *s, unsigned line)
{
	size_t i;

	for (i = 0; i < s->answers.n; i++) {
		if (!s->answers.a[i].own && s->answers.a[i].line != 0 &&
		    conf_line(&s->conf, s->answers.a[i].key) == line)
			return &s->answers.a[i];
	}
	return NULL;
}

/* Faults are found in the staged file; the operator wrote the answers. */
static void
translate(struct setup *s, const char *stage, const struct buf *found,
    struct buf *why)
{
	const char *p = buf_str(found), *text, *words;
	const struct setup_answer *a;
	size_t n = strlen(stage), len;
	unsigned line;

	buf_reset(why);
	while ((text = str_line(&p, &len)) != NULL) {
		if (why->len > 0)
			buf_putc(why, '\n');
		words = text;
		line = 0;
		if (strncmp(text, stage, n) == 0) {
			words = text + n;
			line = (unsigned)strtoul(words, NULL, 10);
			words += strspn(words, "0123456789: ");
		}
		a = line == 0 ? NULL : answer_of_line(s, line);
		if (a != NULL)
			buf_printf(why, "%s:%u: ", s->answers.name, a->line);
		else if (line != 0)
			buf_printf(why, "%s/rohrpost.conf:%u: ", s->dir,
			    line);
		buf_append(why, words, (size_t)(text + len - words));
	}
}

int
setup_write_files(struct setup *s, int dirfd)
{
	int i;

	for (i = 0; i < SETUP_FILES; i++) {
		if (s->file[i].len > 0 && fd_replace(dirfd, setup_files[i].name,
		    setup_files[i].mode, s->file[i].data, s->file[i].len) == -1)
			return -1;
	}
	return 0;
}

/* The new configuration, but with the paths of the staged files. */
static int
stage_files(struct setup *s, int dirfd, const char *stage, struct buf *why)
{
	struct buf text = BUF_INIT(0), path = BUF_INIT(0);
	struct conf_file copy;
	int i, r;

	conf_print(&s->conf, &text);
	conf_read(&copy, buf_str(&text), text.len);
	for (i = 0; i < SETUP_FILES; i++) {
		buf_reset(&path);
		buf_printf(&path, "%s/%s", stage, setup_files[i].name);
		if (s->file[i].len > 0)
			conf_set(&copy, setup_files[i].key, buf_str(&path));
	}
	buf_reset(&text);
	conf_print(&copy, &text);
	r = setup_write_files(s, dirfd);
	if (r == 0)
		r = fd_replace(dirfd, "rohrpost.conf", 0600, buf_str(&text),
		    text.len);
	if (r == -1)
		buf_set(why, "%s: %s", stage, strerror(errno));
	conf_clear(&copy);
	buf_clear(&text);
	buf_clear(&path);
	return r;
}

void
setup_unstage(struct setup *s)
{
	char name[64];
	int i;

	if (!s->staged)
		return;
	for (i = 0; i < SETUP_FILES; i++) {
		snprintf(name, sizeof(name), STAGE "/%s", setup_files[i].name);
		unlinkat(s->set.dirfd, name, 0);
	}
	unlinkat(s->set.dirfd, STAGE "/rohrpost.conf", 0);
	unlinkat(s->set.dirfd, STAGE, AT_REMOVEDIR);
	s->staged = 0;
}

/* NSS is asked before anything is written. */
static int
check_host_users(struct setup *s, const char *stage, struct buf *why)
{
	struct buf warn = BUF_INIT(0);
	int r = table_pam(&s->set, stage, why);

	if (r == 0)
		r = set_check(&s->set, why, &warn);
	buf_clear(&warn);
	return r;
}

int
setup_check(struct setup *s, struct buf *why)
{
	struct buf stage = BUF_INIT(0), found = BUF_INIT(0);
	int dirfd = -1, r = -1;

	buf_printf(&stage, "%s/" STAGE, s->dir);
	if (mkdirat(s->set.dirfd, STAGE, 0700) == -1 && errno != EEXIST) {
		buf_set(why, "%s: %s", buf_str(&stage), strerror(errno));
		goto done;
	}
	s->staged = 1;
	dirfd = openat(s->set.dirfd, STAGE, O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC);
	if (dirfd == -1) {
		buf_set(why, "%s: %s", buf_str(&stage), strerror(errno));
		goto done;
	}
	r = stage_files(s, dirfd, buf_str(&stage), why);
	if (r == 0 && keys_check(buf_str(&stage), &found) == -1) {
		buf_puts(&stage, "/rohrpost.conf:");
		translate(s, buf_str(&stage), &found, why);
		r = -1;
	}
	if (r == 0)
		r = check_host_users(s, buf_str(&stage), why);
	fd_close(&dirfd);
done:
	setup_unstage(s);
	buf_clear(&stage);
	buf_clear(&found);
	return r;
}
