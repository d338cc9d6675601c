#include "config.h"

#include <string.h>

#include "ctl/find.h"
#include "ctl/find_child.h"
#include "ctl/find_pack.h"
#include "lib/base/words.h"

/* Of a child's answer to that question. 0, or -1 with why. */
static int
ask(const struct find_ask *a, enum find_what what, const char *name,
    int64_t ms, struct buf *answer, struct buf *why)
{
	struct buf question = BUF_INIT(FIND_QUESTION_MAX);
	int r;

	find_pack_question(&question, what, a, name);
	r = find_child("scout", &question, ms, answer, why);
	buf_clear(&question);
	return r;
}

int
find_domain(const struct find_ask *a, const char *domain,
    struct find_domain *d, struct buf *why)
{
	struct buf answer = BUF_INIT(FIND_ANSWER_MAX);
	int r = ask(a, FIND_WHAT_DOMAIN, domain, FIND_MS, &answer, why);

	memset(d, 0, sizeof(*d));
	if (r == 0 && find_unpack_domain(buf_str(&answer), answer.len, d) ==
	    -1) {
		buf_set(why, "%s", _("what was found cannot be read"));
		r = -1;
	}
	buf_clear(&answer);
	return r;
}

int
find_host(const struct find_ask *a, const char *name, enum find_known *known,
    struct host_addresses *l, struct buf *why)
{
	struct buf answer = BUF_INIT(FIND_ANSWER_MAX);
	int r = ask(a, FIND_WHAT_HOST, name, FIND_MS, &answer, why);

	*known = FIND_UNKNOWN;
	l->n = 0;
	if (r == 0 && find_unpack_host(buf_str(&answer), answer.len, known,
	    l) == -1) {
		buf_set(why, "%s", _("what was found cannot be read"));
		r = -1;
	}
	buf_clear(&answer);
	return r;
}
