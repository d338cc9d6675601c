#include <poll.h>
#include <string.h>

#include "lib/base/clock.h"
#include "relay/imap_change.h"

enum imap_result
imap_select(struct imap_client *c, const char *wire, struct imap_box *box_r)
{
	enum imap_result r;

	imap_begin(c, "SELECT ");
	imap_put_string(c, wire);
	imap_end(c);
	r = imap_box_wait(c, c->tag, box_r);
	if (r == IMAP_OK && box_r->uidvalidity == 0)
		return imap_fail(c, "tells no UIDVALIDITY");
	return r;
}

/* One command for those of the n that it has room for. */
static enum imap_result
remove_some(struct imap_client *c, const uint32_t *uids, size_t n,
    size_t *done_r)
{
	struct buf set = BUF_INIT(2 * IMAP_SET_MAX);
	enum imap_result r;

	*done_r = imap_set_put(&set, uids, n);
	r = imap_command(c, "UID STORE %s +FLAGS.SILENT (\\Deleted)",
	    buf_str(&set));
	if (r == IMAP_OK && c->caps & IMAP_CAP_UIDPLUS)
		r = imap_command(c, "UID EXPUNGE %s", buf_str(&set));
	buf_clear(&set);
	return r;
}

enum imap_result
imap_remove(struct imap_client *c, const uint32_t *uids, size_t n)
{
	enum imap_result r = IMAP_OK;
	size_t done;

	for (; n > 0 && r == IMAP_OK; uids += done, n -= done)
		r = remove_some(c, uids, n, &done);
	return r;
}

/* Until the server says something, or we have something to say. 1: it does. */
static int
wait_for(struct imap_client *c, int64_t end, int wake, int (*look)(void *),
    void *ctx)
{
	struct pollfd p[2] = { { .fd = c->stream.fd, .events = POLLIN },
		{ .fd = wake, .events = POLLIN } };
	int64_t left;

	while (!stream_readable(&c->stream)) {
		if (look(ctx) != 0 || (left = end - clock_mono_ms()) <= 0)
			return 0;
		(void)poll(p, 2, left < IMAP_IDLE_LOOK_MS ? (int)left :
		    IMAP_IDLE_LOOK_MS);
	}
	return 1;
}

static int
is_news(const struct imap_response *r)
{
	return r->kind == IMAP_UNTAGGED && (strcmp(r->word, "EXISTS") == 0 ||
	    strcmp(r->word, "EXPUNGE") == 0 ||
	    strcmp(r->word, "VANISHED") == 0);
}

/* "+ idling"; a server that refuses says NO or BAD. */
static enum imap_result
idle_begin(struct imap_client *c, int *news_r)
{
	const struct imap_response *r = &c->last;

	c->since = clock_mono_ms();
	c->came = 0;
	do {
		if (imap_read(c) != IMAP_OK)
			return IMAP_LOST;
		*news_r |= is_news(r);
	} while (r->kind == IMAP_UNTAGGED);
	if (r->kind == IMAP_CONTINUE)
		return IMAP_OK;
	return r->tag == c->tag && strcmp(r->word, "OK") != 0 ? IMAP_NO :
	    imap_fail(c, "answers what was not asked");
}

enum imap_result
imap_idle(struct imap_client *c, int64_t ms, int wake, int (*look)(void *),
    void *ctx, int *news_r)
{
	int64_t end = clock_mono_ms() + ms;
	enum imap_result r;

	*news_r = 0;
	imap_begin(c, "IDLE");
	imap_end(c);
	if ((r = idle_begin(c, news_r)) != IMAP_OK)
		return r;
	while (!*news_r && wait_for(c, end, wake, look, ctx)) {
		c->since = clock_mono_ms();
		c->came = 0;
		if (imap_read(c) != IMAP_OK)
			return IMAP_LOST;
		if (c->last.kind != IMAP_UNTAGGED)
			return imap_fail(c, "ends IDLE by itself");
		*news_r |= is_news(&c->last);
	}
	stream_puts(&c->stream, "DONE\r\n");
	return imap_wait(c, c->tag);
}
