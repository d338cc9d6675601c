#include "config.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_unit.h"
#include "ctl/ctl_util.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

enum { SAID_MAX = 4000 };

/* It is not looked for in PATH: what stands there first is not root's. */
static const char systemctl[] = "/usr/bin/systemctl";

/* sd_booted(3) */
static int
is_booted(void)
{
	struct stat st;

	return lstat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode) &&
	    access(systemctl, X_OK) == 0;
}

/* Is the directory that of the unit? */
static int
is_its(const char *dir)
{
	struct stat one, two;

	return strcmp(dir, SYSCONFDIR) == 0 || (stat(dir, &one) == 0 &&
	    stat(SYSCONFDIR, &two) == 0 && one.st_dev == two.st_dev &&
	    one.st_ino == two.st_ino);
}

/* A line is "ID:CONTROLLERS:PATH"; a part of the path names the unit. */
int
unit_is_within(const char *cgroup)
{
	static const char part[] = "/" UNIT_NAME;
	const char *p = cgroup;

	while ((p = strstr(p, part)) != NULL) {
		p += sizeof(part) - 1;
		if (*p == '/' || *p == '\n' || *p == '\0')
			return 1;
	}
	return 0;
}

static int
is_within(void)
{
	struct buf text = BUF_INIT(SAID_MAX);
	int fd = fd_open_file(AT_FDCWD, "/proc/self/cgroup", 0), r = 0;

	if (fd != -1) {
		r = fd_slurp(fd, &text) == 0 && unit_is_within(buf_str(&text));
		close(fd);
	}
	buf_clear(&text);
	return r;
}

/* The exit status of systemctl, with what it said. */
static int
ask(const char *verb, struct buf *said)
{
	const char *argv[] = { "systemctl", verb, UNIT_NAME, NULL };

	return ctl_run_program(systemctl, argv, said);
}

enum unit_state
unit_state(const struct ctl *c, int direct)
{
	const char *e = getenv("ROHRPOST_DIRECT");
	struct buf said = BUF_INIT(SAID_MAX);
	enum unit_state r = UNIT_NONE;

	if (direct || (e != NULL && *e != '\0') || geteuid() != 0 ||
	    !is_its(c->dir) || !is_booted() || is_within())
		return UNIT_NONE;
	/* A start or a reload that is under way is no "active" yet. */
	if (ask("is-active", &said) == 0 ||
	    strncmp(buf_str(&said), "activating", 10) == 0 ||
	    strncmp(buf_str(&said), "reloading", 9) == 0)
		r = UNIT_ACTIVE;
	else if (ask("is-enabled", &said) == 0)
		r = UNIT_ENABLED;
	buf_clear(&said);
	return r;
}

int
unit_call(const char *verb, struct buf *why)
{
	struct buf said = BUF_INIT(SAID_MAX);
	int status = ask(verb, &said);
	const char *p, *line;
	size_t len;

	buf_reset(why);
	p = buf_str(&said);
	while (status != 0 && (line = str_line(&p, &len)) != NULL)
		if (len > 0)
			buf_printf(why, "%.*s\n", (int)len, line);
	if (status != 0)
		buf_printf(why, _("systemctl %s %s failed: journalctl -u %s "
		    "tells more"), verb, UNIT_NAME, UNIT_NAME);
	buf_clear(&said);
	return status == 0 ? 0 : -1;
}
