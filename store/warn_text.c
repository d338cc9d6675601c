#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "lib/mail/date.h"
#include "store/warn_text.h"

static unsigned
percent(uint64_t n, uint64_t max)
{
	if (max == 0)
		return 0;
	return n >= max ? 100 : (unsigned)((double)n * 100 / (double)max);
}

unsigned
warn_percent(const struct warn_usage *u)
{
	unsigned size = percent(u->size, u->size_max);
	unsigned count = percent(u->count, u->count_max);

	return size > count ? size : count;
}

static uint64_t
tenths(uint64_t size)
{
	return size / (1 << 20) * 10 + size % (1 << 20) * 10 / (1 << 20);
}

/* How much is in it, and the most; by octets in MB, with a tenth. */
struct words {
	unsigned percent;
	int	 by_size;
	uint64_t n, max;
};

static void
put_en(struct buf *out, const struct words *w)
{
	buf_printf(out, "Your mailbox is %u %% full: it holds ", w->percent);
	if (w->by_size)
		buf_printf(out, "%" PRIu64 ".%" PRIu64 " MB of the %" PRIu64
		    ".%" PRIu64 " MB", w->n / 10, w->n % 10, w->max / 10,
		    w->max % 10);
	else
		buf_printf(out, "%" PRIu64 " of the %" PRIu64 " messages",
		    w->n, w->max);
	buf_puts(out, "\r\nthat it may hold. Once it is full, new mail is "
	    "turned away. Please delete what you\r\nno longer need, and "
	    "empty the trash.\r\n");
}

static void
put_de(struct buf *out, const struct words *w)
{
	buf_printf(out, "Ihr Postfach ist zu %u %% voll: Es enth\xc3\xa4lt ",
	    w->percent);
	if (w->by_size)
		buf_printf(out, "%" PRIu64 ",%" PRIu64 " MB von h\xc3\xb6"
		    "chstens %" PRIu64 ",%" PRIu64 " MB", w->n / 10,
		    w->n % 10, w->max / 10, w->max % 10);
	else
		buf_printf(out, "%" PRIu64 " von h\xc3\xb6" "chstens %" PRIu64
		    " Nachrichten", w->n, w->max);
	buf_puts(out, ".\r\nSobald es voll ist, werden neue Nachrichten "
	    "abgewiesen. Bitte l\xc3\xb6schen Sie, was\r\nSie nicht mehr "
	    "brauchen, und leeren Sie den Papierkorb.\r\n");
}

static void
put_subject(struct buf *out, enum language l, unsigned percent_full)
{
	if (l == LANGUAGE_DE)
		buf_printf(out, "Ihr Postfach ist zu %u %% voll",
		    percent_full);
	else
		buf_printf(out, "Your mailbox is %u %% full", percent_full);
}

static void
put_body(struct buf *out, enum language l, const struct warn_usage *u)
{
	struct words w = { .percent = warn_percent(u), .n = u->count,
		.max = u->count_max };

	if (u->size_max > 0 && w.percent == percent(u->size, u->size_max)) {
		w.by_size = 1;
		w.n = tenths(u->size);
		w.max = tenths(u->size_max);
	}
	if (l == LANGUAGE_DE)
		put_de(out, &w);
	else
		put_en(out, &w);
}

void
warn_text(struct buf *out, const char *account, enum language l,
    const struct warn_usage *u, int64_t now, uint32_t *header_len_r)
{
	const char *at = strrchr(account, '@');
	const char *domain = at != NULL ? at + 1 : account;
	char date[DATE_TEXT];
	size_t from = out->len;

	date_print(now, 0, date);
	buf_printf(out, "From: Mailserver <postmaster@%s>\r\nTo: <%s>\r\n"
	    "Subject: ", domain, account);
	put_subject(out, l, warn_percent(u));
	buf_printf(out, "\r\nDate: %s\r\nMessage-ID: <quota.%" PRId64 ".%"
	    PRIu64 "@%s>\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n"
	    "Auto-Submitted: auto-generated\r\n\r\n", date, now, u->size,
	    domain);
	*header_len_r = (uint32_t)(out->len - from);
	put_body(out, l, u);
}
