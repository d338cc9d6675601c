#include <stdint.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/probe.h"

static const char *const names[] = {
	[PROBE_OPEN] = "open",
	[PROBE_REFUSED] = "refused",
	[PROBE_SILENT] = "silent",
};

const char *
probe_state_name(enum probe_state s)
{
	return names[s];
}

int
probe_port(unsigned port)
{
	static const unsigned ports[] = { 25, 110, 143, 465, 587, 993, 995 };
	size_t i;

	for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		if (ports[i] == port)
			return 1;
	return 0;
}

/* A port, up to the next blank or the end. 0, or -1. */
static int
read_port(const char *p, size_t len, unsigned *port)
{
	uint64_t v;

	if (str_number(p, len, 65535, &v) == -1)
		return -1;
	*port = (unsigned)v;
	return 0;
}

int
probe_parse(const char *p, size_t len, unsigned port[PROBE_PORTS_MAX])
{
	static const char word[] = "PROBE";
	size_t at = sizeof(word) - 1, n;
	int count = 0;

	if (len > PROBE_LINE_MAX || len < at || memcmp(p, word, at) != 0)
		return -1;
	while (at < len) {
		if (p[at++] != ' ' || count == PROBE_PORTS_MAX)
			return -1;
		for (n = 0; at + n < len && p[at + n] != ' '; n++)
			;
		if (read_port(p + at, n, &port[count++]) == -1)
			return -1;
		at += n;
	}
	return count > 0 ? count : -1;
}

int
probe_parse_answer(const char *p, size_t len, unsigned *port,
    enum probe_state *state)
{
	const char *blank;
	size_t i;

	if (str_is(p, len, "END"))
		return 0;
	blank = len <= PROBE_LINE_MAX ? memchr(p, ' ', len) : NULL;
	if (blank == NULL || read_port(p, (size_t)(blank - p), port) == -1)
		return -1;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_is(blank + 1, len - (size_t)(blank + 1 - p),
		    names[i])) {
			*state = (enum probe_state)i;
			return 1;
		}
	return -1;
}
