/*
 * Stored hashes, lines of passwd, records of auth/learned, and names as
 * clients give them. crypt(3) itself is not called: one hash may ask for
 * minutes.
 */
#include <stdlib.h>
#include <string.h>

#include "auth/auth_hash.h"
#include "auth/auth_hashes.h"
#include "auth/auth_users.h"
#include "lib/base/crc32c.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/learned.h"
#include "lib/mail/limits.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(const char *stored)
{
	const char *fault = auth_hash_fault(stored);

	if (auth_hash_cost(stored) > strlen(stored))
		abort();
	if (fault != NULL &&
	    auth_hash_check(stored, "password") != AUTH_BROKEN)
		abort();
	if (fault == NULL && str_ncasecmp(stored, "{SSHA512}", 9) == 0 &&
	    auth_hash_check(stored, "password") == AUTH_BROKEN)
		abort();
}

/* Whatever a line holds, only hashes that can be checked come out of it. */
static void
read_line(const char *p, size_t len, const char *protocol)
{
	struct auth_hashes h;
	unsigned i;

	auth_hashes_read(&h, p, len, protocol);
	if (h.n > AUTH_HASHES_MAX)
		abort();
	for (i = 0; i < h.n; i++)
		if (strlen(h.hash[i]) > CREDENTIAL_HASH_MAX ||
		    auth_hash_fault(h.hash[i]) != NULL ||
		    (i > 0 && h.app[i] == NULL))
			abort();
	auth_hashes_clear(&h);
}

/* The octets as a record of auth/learned: one that is read prints the same. */
static void
read_record(const uint8_t *data, size_t size)
{
	struct buf b = BUF_INIT(LEARNED_RECORD), again = b;
	struct learned_record r;

	(void)learned_head((const char *)data, size);
	if (size < LEARNED_RECORD)
		return;
	(void)!learned_get((const char *)data, &r);
	buf_append(&b, data, LEARNED_RECORD - 4);
	b.data[LEARNED_KEY + 7] &= 0x7f;	/* times are positive */
	buf_put_u32(&b, crc32c(0, b.data, b.len));
	if (learned_get(b.data, &r) == -1)
		abort();
	learned_put(&r, &again);
	if (again.len != b.len || memcmp(again.data, b.data, b.len) != 0)
		abort();
	buf_clear(&b);
	buf_clear(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_strndup((const char *)data, size);
	struct buf name = BUF_INIT(2 * ADDRESS_MAX);
	static struct auth_users *users;

	if (users == NULL)
		users = auth_users_open("/nonexistent/passwd.cdb");
	look(text);
	read_line((const char *)data, size, "imap");
	read_line((const char *)data, size, NULL);
	read_record(data, size);
	/* A name comes as text in a message; what is made of it is text. */
	if (str_is_text(text, strlen(text)) &&
	    auth_users_name(users, text, &name) == 0 && (name.len == 0 ||
	    name.len > 2 * ADDRESS_MAX || !str_is_text(name.data, name.len)))
		abort();
	buf_clear(&name);
	free(text);
	return 0;
}
