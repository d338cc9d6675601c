#include "config.h"

#include <assert.h>
#include <crypt.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "ctl/ctl_hash.h"
#include "lib/base/base64.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/credential.h"
#include "lib/mail/limits.h"
#include "lib/mail/scram.h"

enum {
	SHA512_OCTETS = 64,
	SALT_MAX = 64,
	ROUNDS_CHEAP = 1000000,
	LONGEST = CRYPT_MAX_PASSPHRASE_SIZE - 1,	/* crypt(3)'s bound */
};
static_assert((int)LONGEST <= (int)PASSWORD_MAX, "auth takes what ctl hashes");

static const struct {
	const char *prefix, *name;
} kinds[] = {
	{ "$y$", "yescrypt" },
	{ "$gy$", "gost-yescrypt" },
	{ "$7$", "scrypt" },
	{ "$2b$", "bcrypt" },
	{ "$2y$", "bcrypt" },
	{ "$2a$", "bcrypt" },
	{ "$6$", "sha512crypt" },
	{ "$5$", "sha256crypt" },
	{ "{SSHA512}", "SSHA512" },
};

/* "{CRYPT}" says nothing that the text after it does not. */
static const char *
bare(const char *hash)
{
	return str_ncasecmp(hash, "{CRYPT}", 7) == 0 ? hash + 7 : hash;
}

const char *
hash_kind(const char *hash)
{
	size_t i, n;

	hash = bare(hash);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		n = strlen(kinds[i].prefix);
		if (str_ncasecmp(hash, kinds[i].prefix, n) == 0)
			return kinds[i].name;
	}
	return NULL;
}

/* {SSHA512} base64(SHA-512(password salt) salt), the salt 1..64 octets. */
static int
check_ssha512(const char *p, struct buf *why)
{
	struct buf raw = BUF_INIT(SHA512_OCTETS + SALT_MAX);
	int ok;

	ok = base64_decode(&raw, p, strlen(p)) == 0 &&
	    raw.len > SHA512_OCTETS;
	buf_clear(&raw);
	if (!ok)
		buf_set(why, _("{SSHA512}: not base64 of digest and salt"));
	return ok ? 0 : -1;
}

/*
 * True if crypt(3) knows the hash and nothing of it is missing. What stands
 * after the salt has one length for each kind, all of them in digits of
 * crypt(3); bcrypt has no '$' between the two (22 + 31 digits).
 */
static int
is_whole(const char *hash)
{
	static const struct {
		const char *prefix;
		size_t	 digits;
	} tails[] = {
		{ "$y$", 43 }, { "$gy$", 43 }, { "$7$", 43 }, { "$2", 53 },
		{ "$6$", 86 }, { "$5$", 43 },
	};
	const char *tail = strrchr(hash, '$') + 1;
	size_t i, n = strspn(tail, "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz");
	int r = crypt_checksalt(hash);

	if (r == CRYPT_SALT_INVALID || r == CRYPT_SALT_METHOD_DISABLED)
		return 0;
	for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		if (strncmp(hash, tails[i].prefix, strlen(tails[i].prefix)) ==
		    0)
			return tail[n] == '\0' && n == tails[i].digits;
	}
	return 0;
}

int
hash_check(const char *hash, struct buf *why)
{
	hash = bare(hash);
	if (str_ncasecmp(hash, "$argon2", 7) == 0 ||
	    str_ncasecmp(hash, "{ARGON2", 7) == 0) {
		buf_set(why, _("argon2 hashes are not supported (crypt(3) does "
		    "not know them): set a new password with "
		    "\"rohrpost user passwd\""));
		return -1;
	}
	if (hash_kind(hash) == NULL) {
		buf_set(why, _("not a password hash that is known ($y$, $2b$, "
		    "$6$, $5$, {SSHA512})"));
		return -1;
	}
	if (hash[0] == '{')
		return check_ssha512(strchr(hash, '}') + 1, why);
	if (!is_whole(hash)) {
		buf_set(why, _("a damaged %s hash (a part is missing)"),
		    hash_kind(hash));
		return -1;
	}
	return 0;
}

/* "rounds=N$" in decimal digits, or none: 5000. */
static int
rounds_cheap(const char *p)
{
	uint64_t n;

	return strncmp(p, "rounds=", 7) != 0 || str_number(p + 7,
	    strcspn(p + 7, "$"), ROUNDS_CHEAP, &n) == 0;
}

/*
 * The settings after the prefix, as crypt(5) has them. One digit is the logarithm
 * of the rounds of scrypt and yescrypt, in the order of ASCII: './0-9A-Za-z'.
 */
int
hash_cheap(const char *hash, struct buf *why)
{
	const char *p;
	int ok;

	hash = bare(hash);
	p = hash[0] == '$' ? strchr(hash + 1, '$') + 1 : hash;
	if (hash[0] == '{')
		ok = 1;		/* one SHA-512 */
	else if (hash[1] == '5' || hash[1] == '6')
		ok = rounds_cheap(p);
	else if (hash[1] == '2')
		ok = strncmp(p, "14", 2) <= 0;
	else if (hash[1] == '7')
		ok = p[0] <= 'E' && strncmp(p + 1, "6..../....", 10) == 0;
	else	/* 16 MB are "j9T$", 64 MB "jBT$" */
		ok = p[0] == 'j' && p[1] <= 'B' && p[2] <= 'T' && p[3] == '$';
	if (!ok)
		buf_set(why, _("a hash that takes much longer to check than "
		    "what yescrypt, bcrypt and the others cost as they are"));
	return ok ? 0 : -1;
}

int
hash_make(const char *password, struct buf *out, struct buf *why)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	size_t n = strlen(password);
	struct crypt_data *d;
	const char *h;

	if (n == 0 || n > LONGEST || !str_is_text(password, n)) {
		buf_set(why, n == 0 ? _("an empty password is refused") :
		    _("the password holds a line break or more than %d octets"),
		    LONGEST);
		return -1;
	}
	if (crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)) ==
	    NULL) {
		buf_set(why, "crypt_gensalt: %s", strerror(errno));
		return -1;
	}
	d = mem_zalloc(1, sizeof(*d));
	h = crypt_rn(password, setting, d, sizeof(*d));
	if (h != NULL) {
		buf_reset(out);
		buf_puts(out, h);
	} else {
		buf_set(why, "crypt: %s", strerror(errno));
	}
	mem_wipe(d, sizeof(*d));
	free(d);
	return h == NULL ? -1 : 0;
}

int
hash_fields(const char *password, int scram, struct buf *out,
    struct buf *note, struct buf *why)
{
	struct buf hash = BUF_INIT(CREDENTIAL_HASH_MAX),
	    fault = BUF_INIT(0);
	struct scram_keys keys;
	int r;

	r = hash_make(password, &hash, why);
	if (r == 0)
		buf_printf(out, "crypt=%s", buf_str(&hash));
	if (r == 0 && scram) {
		if (scram_make(password, &keys, &fault) == 0) {
			buf_puts(out, ":scram-sha-256=");
			scram_print(&keys, out);
		} else {
			buf_set(note, _("no SCRAM keys: %s"), buf_str(&fault));
		}
		scram_wipe(&keys);
	}
	buf_wipe(&hash);
	buf_clear(&fault);
	return r;
}

int
hash_verify(const char *hash, const char *password)
{
	struct crypt_data *d = mem_zalloc(1, sizeof(*d));
	const char *h = crypt_rn(password, bare(hash), d, sizeof(*d));
	int same = h != NULL && strlen(h) == strlen(bare(hash)) &&
	    mem_equal_secret(h, bare(hash), strlen(h));

	mem_wipe(d, sizeof(*d));
	free(d);
	return same;
}

enum {
	LETTERS = 20,		/* of five bits: no guesser gets through 2^100 */
	GROUP = 4,
};

/* "k3fq-7bza-...": letters and digits that no one takes for one another. */
int
hash_password(struct buf *out, struct buf *why)
{
	static const char digits[] = "abcdefghijkmnpqrstuvwxyz23456789";
	unsigned char raw[LETTERS];
	int i;

	_Static_assert(sizeof(digits) - 1 == 32, "five bits a letter");
	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw)) {
		buf_set(why, _("no random octets"));
		return -1;
	}
	for (i = 0; i < LETTERS; i++) {
		if (i > 0 && i % GROUP == 0)
			buf_putc(out, '-');
		buf_putc(out, digits[raw[i] % 32]);
	}
	mem_wipe(raw, sizeof(raw));
	return 0;
}
