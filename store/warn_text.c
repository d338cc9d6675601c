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
	const char *domain;	/* "": a mailbox */
	unsigned percent;
	int	 by_size;
	uint64_t n, max;
};

/* That, and how: in English, or in German. */
static void
put_used(struct buf *out, const struct words *w, enum language l)
{
	const char *of = l == LANGUAGE_DE ? "von h\xc3\xb6" "chstens" :
	    "of the";
	char point = l == LANGUAGE_DE ? ',' : '.';

	if (w->by_size)
		buf_printf(out, "%" PRIu64 "%c%" PRIu64 " MB %s %" PRIu64
		    "%c%" PRIu64 " MB", w->n / 10, point, w->n % 10, of,
		    w->max / 10, point, w->max % 10);
	else
		buf_printf(out, "%" PRIu64 " %s %" PRIu64 " %s", w->n, of,
		    w->max, l == LANGUAGE_DE ? "Nachrichten" : "messages");
}

static void
put_en(struct buf *out, const struct words *w)
{
	if (w->domain[0] != '\0')
		buf_printf(out, "The domain %s is %u %% full: its mailboxes "
		    "hold\r\n", w->domain, w->percent);
	else
		buf_printf(out, "Your mailbox is %u %% full: it holds ",
		    w->percent);
	put_used(out, w, LANGUAGE_EN);
	if (w->domain[0] != '\0')
		buf_puts(out, "\r\nthat they may hold together. Once it is "
		    "full, new mail for all of them is turned\r\naway. What "
		    "each of them holds is shown by\r\n"
		    "\"rohrpost quota list\".\r\n");
	else
		buf_puts(out, "\r\nthat it may hold. Once it is full, new "
		    "mail is turned away. Please delete what you\r\nno longer "
		    "need, and empty the trash.\r\n");
}

static void
put_de(struct buf *out, const struct words *w)
{
	if (w->domain[0] != '\0')
		buf_printf(out, "Die Domain %s ist zu %u %% voll: Ihre "
		    "Postf\xc3\xa4" "cher enthalten zusammen\r\n", w->domain,
		    w->percent);
	else
		buf_printf(out, "Ihr Postfach ist zu %u %% voll: Es "
		    "enth\xc3\xa4lt ", w->percent);
	put_used(out, w, LANGUAGE_DE);
	if (w->domain[0] != '\0')
		buf_puts(out, ".\r\nSobald sie voll ist, werden neue "
		    "Nachrichten an alle diese Postf\xc3\xa4" "cher\r\n"
		    "abgewiesen. Was jedes enth\xc3\xa4lt, zeigt\r\n"
		    "\"rohrpost quota list\".\r\n");
	else
		buf_puts(out, ".\r\nSobald es voll ist, werden neue "
		    "Nachrichten abgewiesen. Bitte l\xc3\xb6schen Sie, "
		    "was\r\nSie nicht mehr brauchen, und leeren Sie den "
		    "Papierkorb.\r\n");
}

static void
put_subject(struct buf *out, enum language l, const char *domain,
    unsigned percent_full)
{
	if (domain[0] != '\0')
		buf_printf(out, l == LANGUAGE_DE ?
		    "Die Domain %s ist zu %u %% voll" :
		    "The domain %s is %u %% full", domain, percent_full);
	else
		buf_printf(out, l == LANGUAGE_DE ?
		    "Ihr Postfach ist zu %u %% voll" :
		    "Your mailbox is %u %% full", percent_full);
}

static void
put_body(struct buf *out, enum language l, const char *about,
    const struct warn_usage *u)
{
	struct words w = { .domain = about, .percent = warn_percent(u), .n = u->count,
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
warn_text(struct buf *out, const char *account, const char *about,
    enum language l, const struct warn_usage *u, int64_t now, uint32_t *header_len_r)
{
	const char *at = strrchr(account, '@');
	const char *domain = at != NULL ? at + 1 : account;
	char date[DATE_TEXT];
	size_t from = out->len;

	date_print(now, 0, date);
	buf_printf(out, "From: Mailserver <postmaster@%s>\r\nTo: <%s>\r\n"
	    "Subject: ", domain, account);
	put_subject(out, l, about, warn_percent(u));
	buf_printf(out, "\r\nDate: %s\r\nMessage-ID: <quota.%" PRId64 ".%"
	    PRIu64 "@%s>\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n"
	    "Auto-Submitted: auto-generated\r\n\r\n", date, now, u->size,
	    domain);
	*header_len_r = (uint32_t)(out->len - from);
	put_body(out, l, about, u);
}
