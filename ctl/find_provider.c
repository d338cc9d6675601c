#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ctl/find_preset.h"
#include "lib/base/fd.h"

/* 1: by its domain; 2: by the MX; 0: not. */
static int
fits(const struct preset *x, const char *domain, const struct find_domain *d)
{
	if (preset_has_domain(x, domain))
		return 1;
	/* The most preferred one says who takes the mail: others may be a
	   second provider's. */
	return d != NULL && d->n_mx > 0 && preset_has_mx(x, d->mx[0]) ? 2 : 0;
}

static int
look(const char *text, const char *domain, const struct find_domain *d,
    struct find_provider *p, struct buf *why)
{
	struct preset x = PRESET_INIT;
	int r, best = 0, found;
	unsigned line = 0;

	while ((r = preset_next(&text, &line, &x, why)) == 1 && best != 1) {
		found = fits(&x, domain, d);
		if (found == 0 || (found == 2 && best == 2))
			continue;
		best = found;
		preset_fill(&x, domain, d != NULL && d->n_mx > 0 ? d->mx[0] :
		    NULL);
		*p = x.p;
		p->by_mx = found == 2;
	}
	preset_clear(&x);
	return r == -1 ? -1 : best != 0;
}

/* The first stanza whose server it is. */
static int
look_host(const char *text, enum find_protocol protocol, const char *host,
    struct find_server *out, struct buf *why)
{
	struct preset x = PRESET_INIT;
	int r, found = 0;
	unsigned line = 0;

	while ((r = preset_next(&text, &line, &x, why)) == 1 && !found)
		found = find_server_named(&x.p.servers, protocol, host, out);
	preset_clear(&x);
	return r == -1 ? -1 : found;
}

/* The text of the table. 0, or -1 with why. */
static int
load(const char *path, struct buf *text, struct buf *why)
{
	int fd = fd_open_file(AT_FDCWD, path, 0), r = 0;

	if (fd == -1 || fd_slurp(fd, text) == -1) {
		buf_set(why, "%s: %s", path, strerror(errno));
		r = -1;
	}
	fd_close(&fd);
	return r;
}

static const char *
path_of(const char *file)
{
	return file != NULL ? file : PKGDATADIR "/providers";
}

static int
each_poll(const char *text, void (*each)(const struct find_server *s,
    void *arg), void *arg, struct buf *why)
{
	struct preset x = PRESET_INIT;
	unsigned line = 0;
	size_t i;
	int r;

	while ((r = preset_next(&text, &line, &x, why)) == 1)
		for (i = 0; i < x.p.servers.n; i++)
			if (x.p.servers.s[i].poll > 0)
				each(&x.p.servers.s[i], arg);
	preset_clear(&x);
	return r;
}

int
find_polls(const char *file, void (*each)(const struct find_server *s,
    void *arg), void *arg, struct buf *why)
{
	struct buf text = BUF_INIT(PRESET_FILE_MAX), fault = BUF_INIT(400);
	int r = load(path_of(file), &text, why);

	if (r == 0) {
		r = each_poll(buf_str(&text), each, arg, &fault);
		if (r == -1)
			buf_set(why, "%s:%s", path_of(file), buf_str(&fault));
	}
	buf_clear(&text);
	buf_clear(&fault);
	return r;
}

int
find_provider(const char *file, const char *domain,
    const struct find_domain *d, struct find_provider *p, struct buf *why)
{
	struct buf text = BUF_INIT(PRESET_FILE_MAX), fault = BUF_INIT(400);
	int r = load(path_of(file), &text, why);

	if (r == 0) {
		r = look(buf_str(&text), domain, d, p, &fault);
		if (r == -1)
			buf_set(why, "%s:%s", path_of(file), buf_str(&fault));
	}
	buf_clear(&text);
	buf_clear(&fault);
	return r;
}

int
find_provider_of(const char *file, enum find_protocol protocol,
    const char *host, struct find_server *out, struct buf *why)
{
	struct buf text = BUF_INIT(PRESET_FILE_MAX), fault = BUF_INIT(400);
	int r = load(path_of(file), &text, why);

	if (r == 0) {
		r = look_host(buf_str(&text), protocol, host, out, &fault);
		if (r == -1)
			buf_set(why, "%s:%s", path_of(file), buf_str(&fault));
	}
	buf_clear(&text);
	buf_clear(&fault);
	return r;
}
