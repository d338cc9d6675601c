/*
 * A whole session of the IMAP client with a server that says the next piece of
 * the input (NUL stands between two) whenever the client waits for it.
 */
#include <string.h>

#include "relay/imap_change.h"
#include "relay/imap_fetch.h"
#include "relay/imap_list.h"
#include "relay/imap_login.h"
#include "tests/fuzz/fuzz_pair.h"
#include "tests/fuzz/fuzz_talk.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each octet that is told of is there to be read. */
static volatile char sum;

static void
look(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		sum = (char)(sum + p[i]);
}

static void
on_message(void *ctx, const struct imap_message *m)
{
	size_t i;

	if (m->uid == 0)
		abort();
	for (i = 0; i < m->n_keywords; i++)
		look(m->keywords[i]->p, m->keywords[i]->len);
	if (m->body == 2)
		look(m->text->p, m->text->len);
}

static void
on_vanished(void *ctx, uint32_t first, uint32_t last)
{
	if (first > last)
		abort();
}

static void
on_body(void *ctx, const char *p, size_t len, uint64_t size)
{
	if (len > size)
		abort();
	look(p, len);
}

static int
look_no_more(void *ctx)
{
	return 0;
}

static void
change(struct imap_client *c)
{
	static const uint32_t uids[] = { 2, 3, 9 };
	struct imap_box b;
	int news;

	if (imap_select(c, "INBOX", &b) == IMAP_OK &&
	    imap_remove(c, uids, 3) == IMAP_OK)
		(void)!imap_idle(c, 60000, -1, look_no_more, NULL, &news);
}

static void
session(struct imap_client *c)
{
	static const struct imap_fetched f = { on_message, on_vanished,
		on_body };
	static const struct imap_account anna = { "anna", "secret",
		SASL_PASSWORD };
	struct imap_list l;
	struct imap_box b;
	size_t i;
	int told;

	if (imap_login(c, &anna, "old.test") != IMAP_OK)
		return;
	if (imap_list(c, &l) == IMAP_OK)
		for (i = 0; i < l.n; i++)
			if (l.v[i].name[0] == '\0' || l.v[i].wire[0] == '\0')
				abort();
	if (imap_examine(c, "INBOX", 7, 8, &b, &f, NULL, &told) == IMAP_OK)
		(void)imap_fetch_wait(c, imap_fetch_send(c, "1:*", "FLAGS"),
		    &f, NULL);
	imap_list_clear(&l);
	change(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int begun;
	struct buf why = BUF_INIT(300);
	struct imap_client c;
	int fd;

	if (size > FUZZ_PAIR_MAX)
		return 0;
	if (!begun++ && imap_login_open(&why) == -1)
		abort();
	fd = fuzz_talk_begin(data, size);
	imap_init(&c, fd, "old.test");
	if (imap_greet(&c, IMAP_PLAIN, NULL, "old.test") == IMAP_OK)
		session(&c);
	imap_close(&c);
	fuzz_talk_end();
	buf_clear(&why);
	return 0;
}
