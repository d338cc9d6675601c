/*
 * A whole session of the POP3 client with a server that says the input
 * (fuzz_talk.h).
 */
#include <stdlib.h>
#include <string.h>

#include "relay/pop3_box.h"
#include "relay/pop3_login.h"
#include "relay/sasl.h"
#include "tests/fuzz/fuzz_pair.h"
#include "tests/fuzz/fuzz_talk.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile char sum;

static void
on_name(void *ctx, uint32_t number, const char *uid)
{
	if (number == 0 || (uid != NULL &&
	    (uid[0] == '\0' || strlen(uid) > UIDL_MAX)))
		abort();
}

static void
on_size(void *ctx, uint32_t number, uint64_t size)
{
	if (number == 0 || size > INT64_MAX)
		abort();
}

static void
on_answer(void *ctx, size_t i, enum pop3_result r)
{
	struct pop3_client *c = ctx;
	const char *word;

	if (r == POP3_OK && pop3_said(c, (uint32_t)i + 1, &word) == 0)
		sum = (char)(sum + word[strlen(word)]);
}

static int
on_body(void *ctx, const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		sum = (char)(sum + p[i]);
	return 0;
}

static void
session(struct pop3_client *c)
{
	static const uint32_t numbers[] = { 1, 2, 3 };
	uint32_t n;
	uint64_t size;

	if (pop3_login(c, POP3_PLAIN, "anna", "secret", SASL_PASSWORD,
	    "old.test") !=
	    POP3_OK || pop3_stat(c, &n, &size) != POP3_OK ||
	    pop3_uidl(c, on_name, NULL) == POP3_LOST ||
	    pop3_list(c, on_size, NULL) == POP3_LOST ||
	    pop3_top(c, 1, 0, on_body, NULL) == POP3_LOST ||
	    pop3_each(c, "LIST", numbers, 3, on_answer, c) == POP3_LOST)
		return;
	pop3_retr_send(c, 1);
	if (pop3_retr_wait(c, on_body, NULL) != POP3_LOST &&
	    pop3_each(c, "DELE", numbers, 3, on_answer, c) != POP3_LOST)
		(void)!pop3_quit(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int begun;
	struct buf why = BUF_INIT(300);
	struct pop3_client c;

	if (size > FUZZ_PAIR_MAX)
		return 0;
	if (!begun++ && sasl_open(&why) == -1)
		abort();
	pop3_init(&c, fuzz_talk_begin(data, size), "old.test");
	if (pop3_greet(&c, POP3_PLAIN, NULL, "old.test") == POP3_OK)
		session(&c);
	pop3_close(&c);
	fuzz_talk_end();
	buf_clear(&why);
	return 0;
}
