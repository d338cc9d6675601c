/* Dates of RFC 5322 and of IMAP: what is read prints, and reads the same. */
#include <stdlib.h>
#include <string.h>

#include "imapd/imapd_date.h"
#include "lib/mail/date.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
field(const char *p, size_t size)
{
	char text[DATE_TEXT];
	int64_t t, again;
	struct date d;

	if (date_parse(p, size, &t, &d) == -1)
		return;
	if (d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31)
		abort();
	date_print(t, d.zone, text);
	/* The first and the last day of all are the bounds of what prints. */
	if (t < -INT64_C(2208902400) || t > INT64_C(253402214399))
		return;
	if (date_parse(text, strlen(text), &again, NULL) == -1 || again != t)
		abort();
}

static void
imap(const char *p, size_t size)
{
	char text[IMAPD_DATE_LEN + 1];
	int64_t t, again;

	/* Zones may lead beyond the years that can be written. */
	if (imapd_date_time(p, size, &t) == 0) {
		imapd_date_put(text, t);
		if (imapd_date_time(text, strlen(text), &again) == -1 ||
		    (again != t && t >= -INT64_C(2208988800) &&
		    t <= INT64_C(253402300799)))
			abort();
	}
	(void)imapd_date_day(p, size, &t);
	(void)imapd_date_field(p, size, &t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	field((const char *)data, size);
	imap((const char *)data, size);
	return 0;
}
