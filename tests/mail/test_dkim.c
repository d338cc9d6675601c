#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/base64.h"
#include "lib/mail/dkim.h"
#include "lib/mail/dkim_key.h"
#include "lib/mail/limits.h"

/* RFC 8463 appendix A: keys, message, signatures. */
static const char rsa_key[] =
    "MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi"
    "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM"
    "KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
    "AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm"
    "6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe"
    "zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy"
    "6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc"
    "uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy"
    "WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd"
    "WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a"
    "licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst"
    "o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe"
    "uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL";
static const char rsa_public[] =
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08"
    "a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR"
    "+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l"
    "/K4w3QIDAQAB";
/* The secret behind PKCS #8's head for Ed25519 (RFC 8410 7). */
static const char ed_key[] =
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";
static const char ed_public[] = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
static const char rfc_header[] =
    "From: Joe SixPack <joe@football.example.com>\r\n"
    "To: Suzie Q <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    "\r\n";
static const char rfc_body[] =
    "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
static const char rfc_body_hash[] =
    "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=";
static const char *const rfc_names[] = { "from", "to", "subject", "date",
	"message-id", "from", "subject", "date", NULL };
static const char ed_field[] =
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    " d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    " subject : date : message-id : from : subject : date;\r\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    " b=\r\n";
static const char ed_signature[] =
    "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus"
    "Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==";
static const char rsa_field[] =
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
    " d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
    " date : message-id : from : subject : date;\r\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    " b=\r\n";
static const char rsa_signature[] =
    "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3"
    "DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz"
    "dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=";

static void
assert_base64(const void *p, size_t len, const char *expected)
{
	struct buf text = BUF_INIT(0);

	base64_encode(&text, p, len);
	assert_string_equal(buf_str(&text), expected);
	buf_clear(&text);
}

/* What the RFC's example signs: its fields by its h=, then the field. */
static void
rfc_hash(const char *field, unsigned char hash[DKIM_HASH])
{
	struct dkim_fields l = { .n = 0 };
	struct buf canon = BUF_INIT(0);
	struct header_field f;
	const struct header_field *g;
	struct header h;
	EVP_MD_CTX *c = dkim_hash_new();
	size_t i;

	assert_int_equal(dkim_fields_add(&l, rfc_header,
	    sizeof(rfc_header) - 1), 0);
	for (i = 0; rfc_names[i] != NULL; i++)
		if ((g = dkim_fields_take(&l, rfc_names[i])) != NULL)
			dkim_canon_field(DKIM_RELAXED, g, &canon);
	header_init(&h, field, strlen(field));
	assert_int_equal(header_next(&h, &f), 1);
	dkim_canon_field(DKIM_RELAXED, &f, &canon);
	dkim_hash_put(c, canon.data, canon.len - 2);
	dkim_hash_end(&c, hash);
	dkim_fields_clear(&l);
	buf_clear(&canon);
}

static void
assert_signs(const char *key, const char *public, const char *field,
    const char *expected)
{
	struct dkim_key *k = dkim_key_read(key, strlen(key));
	unsigned char hash[DKIM_HASH], sig[DKIM_SIGNATURE_MAX];
	struct buf text = BUF_INIT(0);
	size_t len;

	assert_non_null(k);
	assert_int_equal(dkim_key_public(k, &text), 0);
	assert_string_equal(buf_str(&text), public);
	buf_clear(&text);
	rfc_hash(field, hash);
	assert_int_equal(dkim_key_sign(k, hash, sig, &len), 0);
	assert_int_equal(len, dkim_key_size(k));
	assert_base64(sig, len, expected);
	dkim_key_free(&k);
}

static void
test_rfc8463(void **state)
{
	unsigned char hash[DKIM_HASH];
	struct dkim_body b;

	dkim_body_init(&b, DKIM_RELAXED);
	dkim_body_put(&b, rfc_body, sizeof(rfc_body) - 1);
	dkim_body_end(&b, hash);
	assert_base64(hash, sizeof(hash), rfc_body_hash);
	assert_signs(ed_key, ed_public, ed_field, ed_signature);
	assert_signs(rsa_key, rsa_public, rsa_field, rsa_signature);
}

/* A body in pieces of that size hashes as that text would by itself. */
static void
assert_body(enum dkim_canon canon, const char *body, size_t piece,
    const char *expected)
{
	unsigned char got[DKIM_HASH], want[DKIM_HASH];
	size_t at, n, len = strlen(body);
	EVP_MD_CTX *c = dkim_hash_new();
	struct dkim_body b;

	dkim_body_init(&b, canon);
	for (at = 0; at < len; at += n) {
		n = len - at < piece ? len - at : piece;
		dkim_body_put(&b, body + at, n);
	}
	dkim_body_end(&b, got);
	dkim_hash_put(c, expected, strlen(expected));
	dkim_hash_end(&c, want);
	assert_memory_equal(got, want, sizeof(want));
}

static void
test_bodies(void **state)
{
	static const struct {
		const char *body, *simple, *relaxed;
	} t[] = {
		/* RFC 6376 3.4.5 */
		{ " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n",
		  " C\r\nD E\r\n" },
		/* 3.4.3: no body */
		{ "", "\r\n", "" },
		{ "\r\n\r\n", "\r\n", "" },
		{ " \t\r\n", " \t\r\n", "" },
		{ "\r\na\r\n \r\n\r\nb \r\n", "\r\na\r\n \r\n\r\nb \r\n",
		  "\r\na\r\n\r\n\r\nb\r\n" },
		{ "no end", "no end\r\n", "no end\r\n" },
		{ "a\tb  c\r\n", "a\tb  c\r\n", "a b c\r\n" },
		/* What is no line end is text. */
		{ "a\rb\nc\r\r\n", "a\rb\nc\r\r\n", "a\rb\nc\r\r\n" },
		{ "a \r b\r\n", "a \r b\r\n", "a \r b\r\n" },
		{ "a\r", "a\r\r\n", "a\r\r\n" },
		{ "\xe4 \xf6\r\n", "\xe4 \xf6\r\n", "\xe4 \xf6\r\n" },
	};
	size_t i, piece;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (piece = 1; piece <= 20; piece++) {
			assert_body(DKIM_SIMPLE, t[i].body, piece,
			    t[i].simple);
			assert_body(DKIM_RELAXED, t[i].body, piece,
			    t[i].relaxed);
		}
}

/* Longer than what is held, and than what line ends in a row are counted in. */
static void
test_long_bodies(void **state)
{
	size_t n = 3 * DKIM_STAGE + 7;
	char *body = malloc(2 * n + 16), *p = body;

	memset(p, 'x', n);
	p += n;
	for (; p < body + 2 * n;) {
		*p++ = '\r';
		*p++ = '\n';
	}
	strcpy(p, "y\r\n");
	assert_body(DKIM_SIMPLE, body, 1000, body);
	assert_body(DKIM_RELAXED, body, 999, body);
	*p = '\0';
	p = strdup(body);
	p[n + 2] = '\0';
	assert_body(DKIM_RELAXED, body, DKIM_STAGE, p);
	assert_body(DKIM_SIMPLE, body, 1, p);
	free(p);
	free(body);
}

static void
assert_field(enum dkim_canon canon, const char *field, const char *expected)
{
	struct buf out = BUF_INIT(0);
	struct header_field f;
	struct header h;

	header_init(&h, field, strlen(field));
	assert_int_equal(header_next(&h, &f), 1);
	assert_int_equal(dkim_canon_field(canon, &f, &out), 0);
	assert_string_equal(buf_str(&out), expected);
	buf_clear(&out);
}

static void
test_fields(void **state)
{
	/* RFC 6376 3.4.5 */
	assert_field(DKIM_RELAXED, "A: X\r\n", "a:X\r\n");
	assert_field(DKIM_RELAXED, "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n");
	assert_field(DKIM_SIMPLE, "A: X\r\n", "A: X\r\n");
	assert_field(DKIM_SIMPLE, "B : Y\t\r\n\tZ  \r\n",
	    "B : Y\t\r\n\tZ  \r\n");
	assert_field(DKIM_RELAXED, "Subject:\r\n", "subject:\r\n");
	assert_field(DKIM_RELAXED, "Subject: \t\r\n", "subject:\r\n");
	assert_field(DKIM_RELAXED, "To:\r\n a,\r\n\t b", "to:a, b\r\n");
}

static void
test_take(void **state)
{
	static const char above[] = "To: one\r\nReceived: x\r\n",
	    below[] = "to: two\r\nno field\r\nTO: three\r\n\r\nTo: body\r\n";
	struct dkim_fields l = { .n = 0 };

	assert_int_equal(dkim_fields_add(&l, above, sizeof(above) - 1), 0);
	assert_int_equal(dkim_fields_add(&l, below, sizeof(below) - 1), 0);
	assert_int_equal(l.n, 4);
	assert_memory_equal(dkim_fields_take(&l, "to")->value, " three", 6);
	assert_memory_equal(dkim_fields_take(&l, "to")->value, " two", 4);
	assert_memory_equal(dkim_fields_take(&l, "to")->value, " one", 4);
	assert_null(dkim_fields_take(&l, "to"));
	dkim_fields_clear(&l);
}

static const struct dkim_name name = { .domain = "example.test",
	.selector = "s1", .algorithm = DKIM_ED25519, .time = 1528637909 };

static void
start(struct dkim_message *m, const char *added, const char *header)
{
	struct buf top = BUF_INIT(0);

	buf_puts(&top, added);
	dkim_message_init(m, DKIM_RELAXED, DKIM_RELAXED);
	assert_int_equal(dkim_message_header(m, &top, header,
	    strlen(header)), 0);
	dkim_message_body(m, rfc_body, sizeof(rfc_body) - 1);
	dkim_message_end(m);
	buf_clear(&top);
}

/* Wherever the folds come to stand: no line is too long. */
static void
value_lines(const struct dkim_message *m)
{
	char selector[DKIM_SELECTOR_MAX + 1] = "";
	struct dkim_name n = name;
	struct buf out = BUF_INIT(0);
	const char *p;
	size_t i, len;

	n.selector = selector;
	for (i = 0; i < DKIM_SELECTOR_MAX; i++) {
		selector[i] = 's';
		buf_set(&out, DKIM_FIELD ": ");
		dkim_value(m, &n, rsa_key, sizeof(rsa_key) / 2, &out);
		for (p = out.data; *p != '\0'; p += len + strspn(p + len,
		    "\r\n")) {
			len = strcspn(p, "\r\n");
			assert_true(len <= DKIM_LINE);
		}
	}
	buf_clear(&out);
}

/* Each line fits, and what is folded reads as what was meant. */
static void
test_value(void **state)
{
	static const char names[] = "h=from:from:sender:reply-to:to:to:cc:"
	    "subject:subject:date:date:message-id:message-id:mime-version:"
	    "content-type:content-transfer-encoding;";
	struct buf out = BUF_INIT(0), plain = BUF_INIT(0);
	struct dkim_message m;
	unsigned char sig[256] = { 1 };
	const char *p, *end;
	size_t i;

	start(&m, "", rfc_header);
	value_lines(&m);
	buf_puts(&out, DKIM_FIELD ": ");
	dkim_value(&m, &name, sig, sizeof(sig), &out);
	for (p = buf_str(&out); *p != '\0'; p = *end != '\0' ? end + 2 : end) {
		end = strstr(p, "\r\n");
		if (end == NULL)
			end = p + strlen(p);
		assert_true(end - p <= DKIM_LINE);
		assert_true(p == out.data || *p == '\t');
	}
	for (i = 0; i < out.len; i++)
		if (strchr("\r\n\t ", out.data[i]) == NULL)
			buf_putc(&plain, out.data[i]);
	assert_non_null(strstr(buf_str(&plain), names));
	assert_non_null(strstr(buf_str(&plain), rfc_body_hash));
	assert_non_null(strstr(buf_str(&plain), ";d=example.test;s=s1;"
	    "t=1528637909;"));
	buf_clear(&out);
	buf_clear(&plain);
	dkim_message_clear(&m);
}

/* The room that is left for it is as long as it will be. */
static void
test_length(void **state)
{
	struct buf one = BUF_INIT(0), two = BUF_INIT(0);
	unsigned char zeros[256] = { 0 }, ones[256];
	struct dkim_message m;

	memset(ones, 0xff, sizeof(ones));
	start(&m, "", rfc_header);
	dkim_value(&m, &name, zeros, sizeof(zeros), &one);
	dkim_value(&m, &name, ones, sizeof(ones), &two);
	assert_int_equal(one.len, two.len);
	buf_clear(&one);
	buf_clear(&two);
	dkim_message_clear(&m);
}

static void
hash_of(const char *added, const char *header, unsigned char out[DKIM_HASH])
{
	struct dkim_message m;

	start(&m, added, header);
	dkim_hash(&m, &name, out);
	dkim_message_clear(&m);
}

/* What is put in front counts as what stands there; what a relay adds not. */
static void
test_added(void **state)
{
	unsigned char one[DKIM_HASH], two[DKIM_HASH];

	hash_of("", "From: a@example.test\r\nDate: x\r\nTo: b\r\n\r\n", one);
	hash_of("Date: x\r\n", "From: a@example.test\r\nTo: b\r\n\r\n", two);
	assert_memory_equal(one, two, sizeof(one));
	hash_of("Received: y\r\nX-Spam: no\r\n",
	    "From: a@example.test\r\nDate: x\r\nTo: b\r\n\r\n", two);
	assert_memory_equal(one, two, sizeof(one));
	hash_of("Reply-To: c@example.test\r\n",
	    "From: a@example.test\r\nDate: x\r\nTo: b\r\n\r\n", two);
	assert_memory_not_equal(one, two, sizeof(one));
}

static void
test_too_many(void **state)
{
	struct buf h = BUF_INIT(0);
	struct dkim_message m;
	unsigned i;

	for (i = 0; i < DKIM_NAMES_MAX; i++)
		buf_puts(&h, "To: a@example.test\r\n");
	dkim_message_init(&m, DKIM_RELAXED, DKIM_SIMPLE);
	assert_int_equal(dkim_message_header(&m, NULL, h.data, h.len), -1);
	dkim_message_clear(&m);
	for (; i <= HEADER_COUNT_MAX; i++)
		buf_puts(&h, "X: a\r\n");
	dkim_message_init(&m, DKIM_SIMPLE, DKIM_SIMPLE);
	assert_int_equal(dkim_message_header(&m, &h, "\r\n", 2), -1);
	dkim_message_clear(&m);
	buf_clear(&h);
}

static void
test_keys(void **state)
{
	enum dkim_algorithm a;
	struct dkim_key *k, *again;
	struct buf text = BUF_INIT(0), one = BUF_INIT(0), two = BUF_INIT(0);

	for (a = 0; a < DKIM_ALGORITHMS; a++) {
		k = dkim_key_new(a, DKIM_BITS);
		assert_non_null(k);
		assert_int_equal(dkim_key_algorithm(k), a);
		assert_int_equal(dkim_key_bits(k), a == DKIM_RSA ? DKIM_BITS :
		    256);
		buf_reset(&text);
		buf_reset(&one);
		buf_reset(&two);
		assert_int_equal(dkim_key_private(k, &text), 0);
		again = dkim_key_read(buf_str(&text), text.len);
		assert_non_null(again);
		assert_int_equal(dkim_key_public(k, &one), 0);
		assert_int_equal(dkim_key_public(again, &two), 0);
		assert_string_equal(buf_str(&one), buf_str(&two));
		dkim_key_free(&again);
		assert_null(dkim_key_read(buf_str(&text), text.len - 4));
		dkim_key_free(&k);
	}
	buf_wipe(&text);
	buf_clear(&one);
	buf_clear(&two);
	k = dkim_key_new(DKIM_RSA, 512);
	assert_null(k);
	assert_null(dkim_key_read("", 0));
	assert_null(dkim_key_read("AAAA", 4));
	assert_null(dkim_key_read("not base64", 10));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc8463),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_long_bodies),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_added),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
