#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/x509v3.h>

#include "lib/base/words.h"
#include "lib/net/tls.h"

enum { DAY = 24 * 60 * 60 };

static const char *
date_of(const ASN1_TIME *t, char date[16])
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1 ||
	    strftime(date, 16, "%Y-%m-%d", &tm) == 0)
		return _("an unknown day");
	return date;
}

/* What is said next stands in a line of its own. */
static void
next_line(struct buf *words)
{
	if (words->len > 0)
		buf_putc(words, '\n');
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
	char date[16];

	if (second_of(from) > now) {
		next_line(words);
		buf_printf(words, _("tls_certificate: %s: is not valid before "
		    "%s"), path, date_of(from, date));
	}
	if (end <= now) {
		next_line(words);
		buf_printf(words, _("tls_certificate: %s: ran out on %s"),
		    path, date_of(to, date));
	} else if (end <= soon) {
		next_line(words);
		buf_printf(words, _("tls_certificate: %s: runs out on %s"),
		    path, date_of(to, date));
	}
	if (X509_check_host((X509 *)(uintptr_t)x, hostname, 0, 0, NULL) != 1) {
		next_line(words);
		buf_printf(words, _("tls_certificate: %s: is not for this "
		    "host's name, %s"), path, hostname);
	}
	return words->len == before ? 0 : -1;
}
