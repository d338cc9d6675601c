#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/x509v3.h>

#include "lib/net/tls.h"

enum { DAY = 24 * 60 * 60 };

static void
say_date(const char *path, const char *what, const ASN1_TIME *t,
    struct buf *words)
{
	char date[16] = "an unknown day";
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) == 1)
		strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	buf_printf(words, "%stls_certificate: %s: %s %s",
	    words->len > 0 ? "\n" : "", path, what, date);
}

/* libcrypto's time_t may be narrower than ours. 0: it is none. */
static time_t
second_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

int
tls_judge(const X509 *x, const char *path, const char *hostname, time_t now,
    struct buf *words)
{
	const ASN1_TIME *from = X509_get0_notBefore(x);
	const ASN1_TIME *to = X509_get0_notAfter(x);
	time_t end = second_of(to), soon = now + (time_t)TLS_SOON_DAYS * DAY;
	size_t before = words->len;

	if (second_of(from) > now)
		say_date(path, "is not valid before", from, words);
	if (end <= now)
		say_date(path, "ran out on", to, words);
	else if (end <= soon)
		say_date(path, "runs out on", to, words);
	if (X509_check_host((X509 *)(uintptr_t)x, hostname, 0, 0, NULL) != 1)
		buf_printf(words, "%stls_certificate: %s: is not for this "
		    "host's name, %s", words->len > 0 ? "\n" : "", path,
		    hostname);
	return words->len == before ? 0 : -1;
}
