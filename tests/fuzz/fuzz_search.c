/*
 * SEARCH in a message: the first line has the keys, the rest is the message.
 * In steps as small as can be it finds what it finds in one.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "imapd/imapd_search_scan.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct imapd_view view;

static int
scan(struct imapd_scan *sc, const struct door_record *r, int fd, size_t work)
{
	imapd_scan_begin(sc, &view, 1, r, dup(fd));
	while (!imapd_scan_step(sc, work))
		;
	return imapd_scan_end(sc);
}

static void
search(struct imapd_key *key, const char *p, size_t len)
{
	struct door_record r = { .uid = 1, .size = len,
		.header_len = (uint32_t)mime_header_len(p, len) };
	int fd = memfd_create("message", 0);
	struct imapd_scan sc;

	if (fd == -1 || write(fd, p, len) != (ssize_t)len)
		abort();
	imapd_scan_init(&sc, key);
	if (imapd_search_match(key, &view, 1, &r) == IMAPD_UNKNOWN &&
	    scan(&sc, &r, fd, 1) != scan(&sc, &r, fd, SIZE_MAX))
		abort();
	imapd_scan_clear(&sc);
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct mime_charset *cs = mime_charset_find("utf-8", 5);
	const uint8_t *eol = memchr(data, '\n', len);
	struct imapd_args args = { 0 };
	struct imapd_key *key = NULL;
	const char *why;
	char *line;
	size_t n;

	if (eol == NULL)
		return 0;
	n = (size_t)(eol - data);
	line = malloc(n + 1);
	memcpy(line, data, n);
	line[n] = '\0';
	if (imapd_args_parse(&args, line, n, &why) == 0)
		key = imapd_search_parse(args.a, args.top, &view, cs, &why);
	if (key != NULL)
		search(key, (const char *)eol + 1, len - n - 1);
	imapd_search_free(&key);
	imapd_args_clear(&args);
	free(line);
	return 0;
}
