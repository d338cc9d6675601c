/*
 * migrate: accounts of another server come here.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/ctl_util.h"
#include "ctl/migrate.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

/* As relay/imap_login.h numbers them. */
enum { SECURE_TLS, SECURE_STARTTLS, SECURE_NONE };
enum { PORT_IMAP = 143, PORT_IMAPS = 993 };

static const struct {
	const char *name;
	unsigned security, port;
} ways[] = {
	{ "tls", SECURE_TLS, PORT_IMAPS },
	{ "starttls", SECURE_STARTTLS, PORT_IMAP },
	{ "none", SECURE_NONE, PORT_IMAP },
};

/* HOST, HOST:PORT, [ADDRESS]:PORT. 0, or -1 (said). */
static int
take_host(struct migrate_plan *p, const char *arg)
{
	const char *end = arg[0] == '[' ? strchr(arg, ']') : NULL, *colon;
	uint64_t port = 0;

	colon = strchr(end != NULL ? end : arg, ':');
	/* An address of IPv6 has several. */
	if (colon != NULL && end == NULL && strchr(colon + 1, ':') != NULL)
		colon = NULL;
	if (end != NULL && end[1] != '\0' && end[1] != ':')
		return ctl_fail(-1, _("%s: its port makes no sense"), arg);
	if (colon != NULL && (str_number(colon + 1, strlen(colon + 1), 65535,
	    &port) == -1 || port == 0))
		return ctl_fail(-1, _("%s: its port makes no sense"), arg);
	p->port = (unsigned)port;
	if (end != NULL)
		p->host = mem_strndup(arg + 1, (size_t)(end - arg - 1));
	else
		p->host = mem_strndup(arg, colon != NULL ?
		    (size_t)(colon - arg) : strlen(arg));
	str_tolower(p->host, strlen(p->host));
	if (p->host[0] == '\0' || strlen(p->host) > DOMAIN_MAX)
		return ctl_fail(-1, _("%s: that is no name of a server"), arg);
	return 0;
}

static int
take_tls(struct migrate_plan *p, const char *way)
{
	size_t i;

	/* Port 143 begins in the clear everywhere. */
	if (way == NULL)
		way = p->port == PORT_IMAP ? "starttls" : "tls";
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(ways[i].name, way) == 0)
			break;
	if (i == sizeof(ways) / sizeof(ways[0]))
		return ctl_fail(-1, _("--tls is tls, starttls or none"));
	p->security = ways[i].security;
	if (p->port == 0)
		p->port = ways[i].port;
	return 0;
}

static int
take_options(struct migrate_plan *p)
{
	const char *const *opt = p->c->opt;
	uint64_t jobs = MIGRATE_JOBS;

	if (opt[OPT_MIGRATE_CSV] == NULL)
		return ctl_fail(-1, _("--csv FILE is wanted: login, password "
		    "there and account here in each line"));
	if (opt[OPT_MIGRATE_JOBS] != NULL && (str_number(
	    opt[OPT_MIGRATE_JOBS], strlen(opt[OPT_MIGRATE_JOBS]),
	    MIGRATE_JOBS_MAX, &jobs) == -1 || jobs == 0))
		return ctl_fail(-1, _("--jobs is a number from 1 to %d"),
		    MIGRATE_JOBS_MAX);
	p->jobs = (unsigned)jobs;
	if (opt[OPT_MIGRATE_DRY] != NULL)
		p->flags |= MG_DRY;
	if (opt[OPT_MIGRATE_DELETE] != NULL)
		p->flags |= MG_DELETE;
	if (opt[OPT_MIGRATE_INSECURE] != NULL)
		p->flags |= MG_INSECURE;
	if (opt[OPT_MIGRATE_MASTER] != NULL)
		p->flags |= MG_MASTER;
	if (opt[OPT_MIGRATE_CA] == NULL)
		return 0;
	p->ca = fd_open_file(AT_FDCWD, opt[OPT_MIGRATE_CA], 0);
	if (p->ca == -1)
		return ctl_fail(-1, "%s: %s", opt[OPT_MIGRATE_CA],
		    strerror(errno));
	p->flags |= MG_CA;
	return 0;
}

/* Its first line. NULL: none (said). */
static char *
read_password(const char *file)
{
	struct buf text = BUF_INIT(PASSWORD_MAX + 2);
	int fd = fd_open_file(AT_FDCWD, file, 0);
	char *word = NULL;

	if (fd == -1 || fd_slurp(fd, &text) == -1)
		ctl_fail(0, "%s: %s", file, strerror(errno));
	else if ((word = mem_strndup(buf_str(&text), strcspn(buf_str(&text),
	    "\r\n")))[0] == '\0') {
		ctl_fail(0, _("%s: holds no password"), file);
		free(word);
		word = NULL;
	}
	fd_close(&fd);
	buf_wipe(&text);
	return word;
}

static int
take_users(struct migrate_plan *p)
{
	const char *const *opt = p->c->opt;
	char *word = NULL;
	int r;

	if (opt[OPT_MIGRATE_PASSWORD] != NULL &&
	    (word = read_password(opt[OPT_MIGRATE_PASSWORD])) == NULL)
		return -1;
	r = migrate_read(p, opt[OPT_MIGRATE_CSV], opt[OPT_MIGRATE_MASTER],
	    word);
	if (word != NULL)
		mem_wipe(word, strlen(word));
	free(word);
	return r;
}

int
cmd_migrate(struct ctl *c)
{
	struct migrate_plan p = { .c = c, .ca = -1 };
	int r = CTL_REFUSED;

	c->unchanged = c->opt[OPT_MIGRATE_DRY] != NULL;
	signal(SIGPIPE, SIG_IGN);
	if (take_host(&p, c->args[0]) == -1 ||
	    take_tls(&p, c->opt[OPT_MIGRATE_TLS]) == -1 ||
	    take_options(&p) == -1) {
		r = CTL_USAGE;
	} else if (ctl_load(c) == 0 && take_users(&p) == 0) {
		migrate_all(&p);
		r = migrate_report(&p);
	}
	migrate_clear(&p);
	return r;
}
