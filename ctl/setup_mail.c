#include "config.h"

#include <sys/random.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/setup_mail.h"
#include "lib/base/base64.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/queue_id.h"
#include "lib/net/addr.h"
#include "lib/net/connect.h"
#include "lib/net/stream.h"
#include "lib/net/tls.h"

enum {
	LINE_MAX_OCTETS = 8 * 1024,
	LOG_MAX = 16 << 20,	/* written while we wait */
	NAP_MS = 100,		/* between two looks */
};

struct client {
	struct stream st;
	struct buf *words;
	int64_t	 end;		/* clock_mono_ms */
};

/* Where the service listens, as this machine reaches it. 0, or -1. */
static int
find_service(const struct dns_host *h, const char *key, struct addr *a)
{
	struct buf why = BUF_INIT(300);
	struct addr *list = NULL;
	size_t n = 0;
	int r = -1;

	if (addr_parse_list(dns_host_value(h, key), 0, &list, &n, &why) == 0 &&
	    n > 0) {
		*a = list[0];
		r = 0;
		if (addr_is_any((const struct sockaddr *)&a->ss))
			r = addr_of_ip(a, a->ss.ss_family == AF_INET6 ? "::1" :
			    "127.0.0.1", a->ss.ss_family == AF_INET6 ? 3 : 9,
			    addr_port((const struct sockaddr *)&a->ss));
	}
	free(list);
	buf_clear(&why);
	return r;
}

/* A connection under TLS; its certificate is our own business. 0, or -1. */
static int
begin(struct client *c, const struct mail_trial *m, const char *key,
    struct buf *words)
{
	SSL_CTX *ctx;
	struct addr a;
	int fd, r = -1;

	c->words = words;
	c->end = clock_mono_ms() + MAIL_MS;
	if (find_service(m->host, key, &a) == -1) {
		buf_set(words, _("%s in rohrpost.conf is empty"), key);
		return -1;
	}
	if ((fd = addr_connect(&a, MAIL_MS, words)) == -1)
		return -1;
	stream_init(&c->st, fd);
	stream_deadline(&c->st, MAIL_MS);
	ctx = tls_client_new(NULL, TLS_UNKNOWN, words);
	if (ctx != NULL)
		r = stream_tls_connect(&c->st, ctx, m->host->name, words);
	tls_free(&ctx);
	if (r == -1)
		stream_clear(&c->st);
	return r;
}

static char *
line(struct client *c)
{
	char *p;
	size_t len;

	if (stream_line(&c->st, LINE_MAX_OCTETS, &p, &len) == STREAM_OK)
		return p;
	buf_set(c->words, "%s", stream_words(&c->st));
	return NULL;
}

/* The last line of a reply that begins with that digit; or NULL. */
static const char *
smtp(struct client *c, char digit)
{
	const char *p;

	do
		p = line(c);
	while (p != NULL && strlen(p) > 3 && p[3] == '-');
	if (p != NULL && p[0] != digit) {
		buf_set(c->words, "%s", p);
		p = NULL;
	}
	return p;
}

/* The response of SASL PLAIN (RFC 4616). */
static void
put_login(struct client *c, const struct mail_trial *m)
{
	struct buf plain = BUF_INIT(0), text = BUF_INIT(0);

	buf_putc(&plain, '\0');
	buf_puts(&plain, m->user);
	buf_putc(&plain, '\0');
	buf_puts(&plain, m->password);
	base64_encode(&text, plain.data, plain.len);
	stream_printf(&c->st, "%s\r\n", buf_str(&text));
	buf_wipe(&plain);
	buf_wipe(&text);
}

static void
put_message(struct client *c, const struct mail_trial *m, const char *to,
    const char *id)
{
	char date[64];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	stream_printf(&c->st, "From: <%s>\r\nTo: <%s>\r\nDate: %s\r\n"
	    "Message-ID: <%s>\r\nSubject: Rohrpost\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=UTF-8\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\n%s\r\n.\r\n", m->user, to,
	    date, id, _("This is the test mail of rohrpost setup: mail is sent "
	    "and arrives."));
}

/* Sends it; the queue id. 0, or -1 with words. */
static int
send_mail(const struct mail_trial *m, const char *to, const char *id,
    char queue_id[QUEUE_ID_LEN + 1], struct buf *words)
{
	static const char queued[] = "queued as ";
	struct client c;
	const char *p = NULL;

	if (begin(&c, m, "listen_submissions", words) == -1)
		return -1;
	if (smtp(&c, '2') != NULL) {
		stream_printf(&c.st, "EHLO %s\r\n", m->host->name);
		p = smtp(&c, '2');
	}
	if (p != NULL) {
		stream_puts(&c.st, "AUTH PLAIN ");
		put_login(&c, m);
		p = smtp(&c, '2');
	}
	if (p != NULL) {
		stream_printf(&c.st, "MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\n"
		    "DATA\r\n", m->user, to);
		p = smtp(&c, '2');
	}
	if (p != NULL && smtp(&c, '2') != NULL && smtp(&c, '3') != NULL) {
		put_message(&c, m, to, id);
		p = smtp(&c, '2');
	} else
		p = NULL;
	if (p != NULL && (p = strstr(p, queued)) != NULL)
		(void)str_copy(queue_id, QUEUE_ID_LEN + 1,
		    p + sizeof(queued) - 1);
	stream_close(&c.st);
	return p != NULL ? 0 : -1;
}

/* The end of a command of IMAP; found_r: whether SEARCH named a message. */
static int
imap(struct client *c, int *found_r)
{
	const char *p;

	while ((p = line(c)) != NULL) {
		if (found_r != NULL && strncmp(p, "* SEARCH ", 9) == 0)
			*found_r = 1;
		if (strncmp(p, "a ", 2) == 0 && strncmp(p, "a OK", 4) == 0)
			return 0;
		if (strncmp(p, "a ", 2) == 0) {
			buf_set(c->words, "%s", p + 2);
			return -1;
		}
	}
	return -1;
}

static int
look(struct client *c, const struct mail_trial *m, const char *id)
{
	int found = 0, r;

	if (line(c) == NULL)
		return -1;
	stream_puts(&c->st, "a AUTHENTICATE PLAIN ");
	put_login(c, m);
	r = imap(c, NULL);
	if (r == 0) {
		stream_puts(&c->st, "a EXAMINE INBOX\r\n");
		r = imap(c, NULL);
	}
	while (r == 0 && !found) {
		stream_printf(&c->st, "a UID SEARCH HEADER Message-ID <%s>"
		    "\r\n", id);
		r = imap(c, &found);
		if (r == 0 && !found && clock_mono_ms() > c->end) {
			buf_set(c->words, _("it did not arrive within %d "
			    "seconds"), MAIL_MS / 1000);
			return -1;
		}
		if (!found)
			usleep(NAP_MS * 1000);
	}
	return r;
}

static void
make_id(const struct mail_trial *m, struct buf *id)
{
	unsigned char raw[8] = { 0 };
	size_t i;

	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
		raw[0] = (unsigned char)time(NULL);
	buf_puts(id, "setup.");
	for (i = 0; i < sizeof(raw); i++)
		buf_printf(id, "%02x", raw[i]);
	buf_printf(id, "@%s", m->host->name);
}

int
mail_back(const struct mail_trial *m, struct buf *words)
{
	char queue_id[QUEUE_ID_LEN + 1] = "";
	struct buf id = BUF_INIT(0);
	struct client c;
	int r;

	make_id(m, &id);
	r = send_mail(m, m->user, buf_str(&id), queue_id, words);
	if (r == 0)
		r = begin(&c, m, "listen_imaps", words);
	if (r == 0) {
		r = look(&c, m, buf_str(&id));
		stream_close(&c.st);
	}
	buf_clear(&id);
	return r;
}

static int
open_log(const struct mail_trial *m)
{
	struct buf path = BUF_INIT(0);
	int fd;

	buf_printf(&path, "%s/log/rohrpost.log", m->state_dir);
	fd = fd_open_file(AT_FDCWD, buf_str(&path), 0);
	buf_clear(&path);
	return fd;
}

/* What the log says of the recipient behind fd; 1: it is there. */
static int
find_result(int fd, off_t from, const char *queue_id, const char *to,
    struct buf *out)
{
	struct buf text = BUF_INIT(LOG_MAX), mark = BUF_INIT(0);
	const char *p = NULL, *end;

	buf_printf(&mark, "%s: to=<%s>", queue_id, to);
	if (lseek(fd, from, SEEK_SET) != -1 && fd_read_rest(fd, &text) == 0)
		p = strstr(buf_str(&text), buf_str(&mark));
	end = p == NULL ? NULL : strchr(p, '\n');
	if (end != NULL) {
		p += mark.len;
		buf_set(out, "%.*s", (int)(end - p), p);
	}
	buf_clear(&text);
	buf_clear(&mark);
	return end != NULL;
}

int
mail_out(const struct mail_trial *m, const char *to, struct buf *words)
{
	char queue_id[QUEUE_ID_LEN + 1] = "";
	struct buf id = BUF_INIT(0), said = BUF_INIT(1000);
	int64_t end = clock_mono_ms() + MAIL_MS;
	int r, found = 0, fd = open_log(m);
	off_t from = fd == -1 ? 0 : lseek(fd, 0, SEEK_END);

	make_id(m, &id);
	r = send_mail(m, to, buf_str(&id), queue_id, words);
	while (r == 0 && !(found = find_result(fd, from, queue_id, to,
	    &said)) && clock_mono_ms() < end)
		usleep(NAP_MS * 1000);
	if (r == 0 && !found) {
		buf_set(words, _("no answer within %d seconds; \"rohrpost "
		    "trace %s\" follows it"), MAIL_MS / 1000, queue_id);
		r = -1;
	} else if (r == 0) {
		buf_set(words, "%s", buf_str(&said) + strspn(buf_str(&said),
		    " "));
		r = strstr(buf_str(&said), " delivered ") != NULL ? 0 : -1;
	}
	fd_close(&fd);
	buf_clear(&id);
	buf_clear(&said);
	return r;
}
