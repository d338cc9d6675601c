/* What the header of a message tells of its way. */
#include "lib/base/str.h"
#include "lib/mail/header.h"
#include "lib/mail/limits.h"
#include "smtpd/smtpd_check.h"

/* True if the field names one of our recipients: it was here before. */
static int
is_loop(const struct smtp_session *s, const struct header_field *f)
{
	struct buf v = BUF_INIT(ADDRESS_MAX);
	struct cursor c;
	const char *p;
	size_t n;
	int r = 0;

	if (header_value(f, &v) == 0) {
		cursor_init(&c, s->env.local.data, s->env.local.len);
		while (!r && cursor_left(&c) > 0) {
			p = cursor_lv(&c, &n, ADDRESS_MAX);
			r = p != NULL && str_is(p, n, buf_str(&v));
		}
	}
	buf_clear(&v);
	return r;
}

struct smtp_verdict
check_header(struct smtp_session *s, struct smtp_case *c)
{
	static const struct smtp_verdict fine = { .outcome = VERDICT_PASS },
	    big = SMTP_REFUSE(552, "5.3.4", "the header is too big"),
	    hopping = SMTP_REFUSE(554, "5.4.6", "too many hops"),
	    loop = SMTP_REFUSE(554, "5.4.6",
		"mail loop: it was delivered to that address before");
	unsigned fields = 0, hops = 0;
	struct header_field f;
	struct header h;

	header_init(&h, c->text, c->len);
	while (header_next(&h, &f)) {
		if (++fields > HEADER_COUNT_MAX)
			return big;
		if (header_is(&f, "Received") && ++hops > HOPS_MAX)
			return hopping;
		if (header_is(&f, "Delivered-To") && is_loop(s, &f))
			return loop;
	}
	return c->endless ? big : fine;
}
