#include "config.h"

#include <errno.h>
#include <string.h>

#include "ctl/dns_contact.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/net/addr.h"
#include "lib/net/connect.h"
#include "lib/net/stream.h"

enum { REPLY_LINE_MAX = 2048, REPLY_LINES_MAX = 100 };

/* What another reply than the one that was waited for means. */
static enum contacted
judge_reply(const char *line, size_t len)
{
	uint64_t code;

	if (len < 3 || str_number(line, 3, 599, &code) == -1 || code < 400)
		return CONTACT_NONE;
	return code < 500 ? CONTACT_LATER : CONTACT_REFUSED;
}

/* A reply with that code, of any number of lines; else with why. */
static enum contacted
expect(struct stream *s, const char *code, struct buf *why)
{
	enum stream_status st;
	char *line;
	size_t len;
	int i;

	for (i = 0; i < REPLY_LINES_MAX; i++) {
		st = stream_line(s, REPLY_LINE_MAX, &line, &len);
		if (st != STREAM_OK && st != STREAM_BARE) {
			buf_set(why, "%s", st == STREAM_LONG ?
			    _("it says more than a mail server does") :
			    stream_words(s));
			return CONTACT_NONE;
		}
		if (len < 3 || strncmp(line, code, 3) != 0) {
			buf_set(why, _("it says \"%.*s\""),
			    (int)(len > 200 ? 200 : len), line);
			return judge_reply(line, len);
		}
		if (len == 3 || line[3] != '-')
			return CONTACT_GOOD;
	}
	buf_set(why, "%s", _("it says more than a mail server does"));
	return CONTACT_NONE;
}

enum contacted
dns_contact(const struct host_address *a, unsigned port,
    const char *hostname, struct buf *why)
{
	int64_t end = clock_mono_ms() + CONTACT_MS;
	struct stream s;
	enum contacted r;
	struct addr to;
	int fd;

	if (addr_of_ip(&to, a->text, strlen(a->text), port) == -1) {
		buf_set(why, "%s", strerror(EINVAL));
		return CONTACT_NONE;
	}
	fd = addr_connect(&to, CONTACT_MS, why);
	if (fd == -1)
		return CONTACT_NONE;
	stream_init(&s, fd);
	stream_deadline(&s, end - clock_mono_ms());
	r = expect(&s, "220", why);
	if (r == CONTACT_GOOD) {
		stream_printf(&s, "EHLO %s\r\n", hostname[0] != '\0' ?
		    hostname : "localhost");
		r = expect(&s, "250", why);
	}
	if (r == CONTACT_GOOD) {
		stream_puts(&s, "QUIT\r\n");
		(void)expect(&s, "221", why);
		stream_close(&s);
	} else
		stream_clear(&s);
	return r;
}
