#include <string.h>

#include "relay/relay_data.h"

static void
data_out(struct data *d, const char *from, const char *to)
{
	if (to > from)
		d->out(d->arg, from, (size_t)(to - from));
}

/*
 * The octets from p to lf hold no LF. Writes what has to be changed among
 * them; returns where the part that may still go out as it is begins.
 */
static const char *
data_bare_cr(struct data *d, const char *run, const char *p, const char *lf)
{
	const char *cr;

	while ((cr = memchr(p, '\r', (size_t)(lf - p))) != NULL) {
		data_out(d, run, cr);
		d->out(d->arg, " ", 1);
		run = p = cr + 1;
	}
	return run;
}

/* Settles the CR that the last call ended with. */
static void
data_held_cr(struct data *d, const char *p, size_t len)
{
	if (!d->cr || len == 0)
		return;
	d->cr = 0;
	d->text = 1;
	if (p[0] != '\n')
		d->out(d->arg, " ", 1);
	else
		d->out(d->arg, "\r", 1);
}

void
data_put(struct data *d, const char *p, size_t len)
{
	const char *end = p + len, *run = p, *lf;
	int crlf = d->cr && len > 0 && p[0] == '\n';

	data_held_cr(d, p, len);
	while (p < end) {
		if (!d->text && *p == '.') {
			data_out(d, run, p);
			d->out(d->arg, ".", 1);
			run = p;
		}
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL)
			break;
		if (lf > p && lf[-1] == '\r')
			run = data_bare_cr(d, run, p, lf - 1);
		else if (!crlf) {
			run = data_bare_cr(d, run, p, lf);
			data_out(d, run, lf);
			d->out(d->arg, "\r", 1);
			run = lf;
		}
		crlf = 0;
		d->text = 0;
		p = lf + 1;
	}
	if (p < end) {
		d->text = 1;
		d->cr = end[-1] == '\r';
		end -= d->cr;
		run = data_bare_cr(d, run, p, end);
	}
	data_out(d, run, end);
}

void
data_end(struct data *d)
{
	if (d->cr || d->text)
		d->out(d->arg, "\r\n", 2);
	d->out(d->arg, ".\r\n", 3);
	d->cr = d->text = 0;
}
