/* What the header of a message tells of its way. */
#include "lib/base/str.h"
#include "lib/mail/header.h"
#include "lib/mail/limits.h"
#include "lib/mail/mark.h"
#include "smtpd/smtpd_check.h"

/* Is it the text of one of the marks (lv)? */
static int
is_marked(const struct buf *marks, const char *address, size_t len)
{
	struct cursor c;
	const char *p;
	size_t n;

	cursor_init(&c, marks->data, marks->len);
	while (cursor_left(&c) > 0) {
		p = cursor_lv(&c, &n, ADDRESS_MAX);
		if (p == NULL)
			return 0;
		if (n == len && str_ncasecmp(p, address, n) == 0)
			return 1;
	}
	return 0;
}

/*
 * True if every recipient is ours and was here before. One of several that was
 * is deliver's to refuse: the others are to have the message.
 */
static int
all_loop(const struct smtp_session *s, const struct buf *marks)
{
	struct cursor c;
	const char *p;
	unsigned loops = 0;
	size_t n;

	cursor_init(&c, s->env.local.data, s->env.local.len);
	while (marks->len > 0 && cursor_left(&c) > 0) {
		p = cursor_lv(&c, &n, ADDRESS_MAX);
		if (p == NULL || !is_marked(marks, p, n))
			return 0;
		loops++;
	}
	return loops > 0 && loops == s->env.n;
}

/* The fields one by one; our marks are gathered (lv). */
static struct smtp_verdict
look_at_fields(const struct smtp_case *c, struct buf *marks)
{
	static const struct smtp_verdict fine = { .outcome = VERDICT_PASS },
	    big = SMTP_REFUSE(552, "5.3.4", "the header is too big"),
	    hopping = SMTP_REFUSE(554, "5.4.6", "too many hops");
	struct buf value = BUF_INIT(ADDRESS_MAX);
	struct smtp_verdict v = fine;
	unsigned fields = 0, hops = 0;
	struct header_field f;
	struct header h;
	struct mark m;

	mark_init(&m, smtpd.hostname);
	header_init(&h, c->text, c->len);
	while (v.outcome == VERDICT_PASS && header_next(&h, &f)) {
		if (++fields > HEADER_COUNT_MAX)
			v = big;
		else if (header_is(&f, "Received") && ++hops > HOPS_MAX)
			v = hopping;
		else if (mark_field(&m, &f, &value))
			buf_put_lv(marks, value.data, value.len);
	}
	buf_clear(&value);
	return v;
}

struct smtp_verdict
check_header(struct smtp_session *s, struct smtp_case *c)
{
	static const struct smtp_verdict
	    big = SMTP_REFUSE(552, "5.3.4", "the header is too big"),
	    loop = SMTP_REFUSE(554, "5.4.6",
		"mail loop: it was delivered to that address before");
	/* At most HOPS_MAX of them. */
	struct buf marks = BUF_INIT(0);
	struct smtp_verdict v = look_at_fields(c, &marks);

	if (v.outcome == VERDICT_PASS && all_loop(s, &marks))
		v = loop;
	if (v.outcome == VERDICT_PASS && c->endless)
		v = big;
	buf_clear(&marks);
	return v;
}
