/*
 * Speed: lines are found by memchr(3); runs of clean lines go out in one
 * call, so that a message without leading dots is copied once. Per octet there
 * are two looks (for LF and CR) and one over the whole window for NUL and 8-bit
 * octets, all with the width of the machine's vectors.
 */
#include <stdint.h>
#include <string.h>

#include "lib/mail/mime_encode.h"
#include "smtpd/smtpd.h"
#include "smtpd/smtpd_scan.h"

static int
has_8bit(const char *p, size_t len)
{
	uint64_t w[8], sum = 0;
	size_t i, k;

	for (i = 0; i + sizeof(w) <= len; i += sizeof(w)) {
		memcpy(w, p + i, sizeof(w));
		for (k = 0; k < 8; k++)
			sum |= w[k];
	}
	for (; i < len; i++)
		sum |= (uint64_t)(unsigned char)p[i];
	return (sum & 0x8080808080808080u) != 0;
}

/* Judges a line from p up to and with its LF. True: only a CRLF ends it. */
static int
line_is_clean(const char *p, size_t len)
{
	return len >= 2 && p[len - 2] == '\r' &&
	    memchr(p, '\r', len - 2) == NULL;
}

/* True where p begins with a dot that is no text. */
static int
is_stuffed(const struct smtp_scan *s, const char *p, size_t len)
{
	return s->line == 0 && *p == '.' &&
	    (!s->soft || (len > 1 && p[1] == '.'));
}

/*
 * A line that does not end in a CRLF alone. True: it ends in a bare LF that
 * becomes one.
 */
static int
scan_bare(struct smtp_scan *s, const char *p, size_t len)
{
	int crlf = len >= 2 && p[len - 2] == '\r';

	if (s->mend && !crlf && !s->cr && memchr(p, '\r', len) == NULL) {
		s->line = 0;
		s->soft = 1;
		return 1;
	}
	s->bare = 1;
	/* Only a CRLF begins a line. */
	s->line = crlf ? 0 : s->line + len;
	if (crlf)
		s->soft = 0;
	return 0;
}

/* A line that may be over LINES_MAX has so many octets. */
static void
scan_long(struct smtp_scan *s, size_t len)
{
	s->long_line = 1;
	if (len > DATA_LINE_MAX)
		s->huge_line = 1;
}

/*
 * Looks at whole lines. Returns the octets taken; *run_r is where those begin
 * that were not put out yet.
 */
static size_t
scan_lines(struct smtp_scan *s, const char *p, size_t len, size_t *run_r)
{
	size_t i = 0, run = 0, n;
	const char *lf;

	while ((lf = memchr(p + i, '\n', len - i)) != NULL) {
		n = (size_t)(lf - p) + 1 - i;
		if (is_stuffed(s, p + i, n)) {
			if (i > run)
				s->put(s->arg, p + run, i - run);
			if (n == 3 && p[i + 1] == '\r') {
				s->done = 1;
				*run_r = i + n;
				return i + n;
			}
			run = i + 1;
		}
		/* One more than what a bare LF ends. */
		if (s->line + n > LINES_MAX + 1)
			scan_long(s, s->line + n - 2);
		if (line_is_clean(p + i, n)) {
			s->line = 0;
			s->soft = 0;
		} else if (scan_bare(s, p + i, n)) {
			if (i + n - 1 > run)
				s->put(s->arg, p + run, i + n - 1 - run);
			s->put(s->arg, "\r\n", 2);
			run = i + n;
		}
		s->cr = 0;
		i += n;
	}
	*run_r = run;
	return i;
}

size_t
scan_data(struct smtp_scan *s, const char *p, size_t len, int full)
{
	size_t i, run, n;

	i = scan_lines(s, p, len, &run);
	if (full && i == 0) {
		/*
		 * A part of a line, which fills the window: so it is not
		 * ".". A CR at its end waits for its LF.
		 */
		n = len - (p[len - 1] == '\r');
		if (memchr(p, '\r', n) != NULL)
			s->bare = s->cr = 1;
		run = n > 0 && is_stuffed(s, p, n);
		s->line += n;
		scan_long(s, s->line);
		i = n;
	}
	if (i > run)
		s->put(s->arg, p + run, i - run);
	if (memchr(p, '\0', i) != NULL)
		s->bare = 1;
	if (!s->eight_bit && has_8bit(p, i))
		s->eight_bit = 1;
	return i;
}
