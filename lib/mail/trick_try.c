#include <sys/socket.h>

#include "lib/base/str.h"
#include "lib/mail/trick.h"
#include "lib/net/connect.h"
#include "lib/net/stream.h"

enum {
	REPLY_LINE_MAX = 2048,
	LINES_MAX = 100,	/* of a reply */
	COMMAND_MAX = 2000,	/* octets */
};

/* The code of a reply, whose last line said gets; 0: there is none. */
static int
reply(struct stream *s, struct buf *said)
{
	enum stream_status st;
	uint64_t code;
	char *line;
	size_t len;
	int i;

	for (i = 0; i < LINES_MAX; i++) {
		st = stream_line(s, REPLY_LINE_MAX, &line, &len);
		if (st != STREAM_OK && st != STREAM_BARE) {
			buf_set(said, "%s", stream_words(s));
			return 0;
		}
		buf_set(said, "%.*s", len > TRICK_REPLY_MAX ?
		    TRICK_REPLY_MAX : (int)len, line);
		if (len < 3 || str_number(line, 3, 599, &code) == -1 ||
		    code < 200)
			return 0;
		if (len == 3 || line[3] != '-')
			return (int)code;
	}
	return 0;
}

static int
command(struct stream *s, const char *verb, const char *text,
    const struct trick_server *to, const char *client, const char *server,
    struct buf *said)
{
	struct buf b = BUF_INIT(COMMAND_MAX);

	buf_puts(&b, verb);
	trick_text(&b, text, to, client, server);
	stream_printf(s, "%s\r\n", buf_str(&b));
	buf_clear(&b);
	return reply(s, said);
}

/* MAIL may be refused as well as RCPT; 421 ends the session, and says nothing
   of the recipient. */
static enum trick_verdict
judge(int code)
{
	if (code == 0 || code == 421)
		return TRICK_UNTRIED;
	if (code < 300)
		return TRICK_WORKS;
	return code < 500 ? TRICK_LATER : TRICK_HELD;
}

static enum trick_verdict
talk(struct stream *s, const struct trick *t, const struct trick_server *to,
    const char *client, struct buf *said)
{
	char server[ADDR_TEXT_MAX];
	enum trick_verdict v;

	addr_print_ip((const struct sockaddr *)&to->at.ss, server,
	    sizeof(server));
	if (reply(s, said) != 220 || command(s, "EHLO ", t->helo, to, client,
	    server, said) != 250)
		return TRICK_UNTRIED;
	v = judge(command(s, "MAIL FROM:", t->sender, to, client, server,
	    said));
	if (v == TRICK_WORKS)
		v = judge(command(s, "RCPT TO:", t->recipient, to, client,
		    server, said));
	return v;
}

enum trick_verdict
trick_try(const struct trick *t, const struct trick_server *to, int64_t ms,
    struct buf *said)
{
	struct sockaddr_storage own;
	socklen_t len = sizeof(own);
	struct buf bye = BUF_INIT(TRICK_REPLY_MAX);
	char client[ADDR_TEXT_MAX] = "";
	enum trick_verdict v;
	struct stream s;
	int fd;

	buf_reset(said);
	if (ms > TRICK_MS)
		ms = TRICK_MS;
	if (ms <= 0 || (fd = addr_connect(&to->at, ms, said)) == -1)
		return TRICK_UNTRIED;
	if (getsockname(fd, (struct sockaddr *)&own, &len) == 0)
		addr_print_ip((const struct sockaddr *)&own, client,
		    sizeof(client));
	stream_init(&s, fd);
	stream_deadline(&s, ms);
	v = talk(&s, t, to, client, said);
	if (v != TRICK_UNTRIED) {
		stream_puts(&s, "QUIT\r\n");
		(void)reply(&s, &bye);
	}
	stream_close(&s);
	buf_clear(&bye);
	return v;
}
