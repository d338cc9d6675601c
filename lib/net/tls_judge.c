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

int
tls_judge(const X509 *x, const char *path, const char *hostname, time_t now,
    struct buf *words)
{
	const ASN1_TIME *from = X509_get0_notBefore(x);
	const ASN1_TIME *to = X509_get0_notAfter(x);
	time_t soon = now + (time_t)TLS_SOON_DAYS * DAY;
	size_t before = words->len;

	if (X509_cmp_time(from, &now) > 0)
		say_date(path, "is not valid before", from, words);
	if (X509_cmp_time(to, &now) < 0)
		say_date(path, "ran out on", to, words);
	else if (X509_cmp_time(to, &soon) < 0)
		say_date(path, "runs out on", to, words);
	if (X509_check_host((X509 *)(uintptr_t)x, hostname, 0, 0, NULL) != 1)
		buf_printf(words, "%stls_certificate: %s: is not for this "
		    "host's name, %s", words->len > 0 ? "\n" : "", path,
		    hostname);
	return words->len == before ? 0 : -1;
}
