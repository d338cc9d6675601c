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
		preset_fill(&x, domain);
		*p = x.p;
		p->by_mx = found == 2;
	}
	preset_clear(&x);
	return r == -1 ? -1 : best != 0;
}

int
find_provider(const char *file, const char *domain,
    const struct find_domain *d, struct find_provider *p, struct buf *why)
{
	const char *path = file != NULL ? file : PKGDATADIR "/providers";
	struct buf text = BUF_INIT(PRESET_FILE_MAX), fault = BUF_INIT(400);
	int fd = fd_open_file(AT_FDCWD, path, 0), r = -1;

	if (fd == -1 || fd_slurp(fd, &text) == -1)
		buf_set(why, "%s: %s", path, strerror(errno));
	else {
		r = look(buf_str(&text), domain, d, p, &fault);
		if (r == -1)
			buf_set(why, "%s:%s", path, buf_str(&fault));
	}
	fd_close(&fd);
	buf_clear(&text);
	buf_clear(&fault);
	return r;
}
