#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_util.h"
#include "ctl/dns_ask.h"
#include "ctl/dns_rr.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/server/privdrop_program.h"

struct question {
	struct question *next;
	char	*name;
	enum dns_type type;
	struct dns_query *query;	/* NULL: it is answered */
	int64_t	 deadline;
	struct dns_asked answer;
};

static struct question *questions;
static unsigned n_questions;
static int64_t waited;		/* ms, in all */
static int heard, silent;	/* an answer came; one did not */

int
dns_ask_start(const char *servers, const char *anchor, int empty,
    struct buf *why)
{
	dns_quiet();
	return dns_open(servers, anchor, why) == -1 ||
	    privdrop_program(PROGRAM_RESOLVE, empty, why) == -1 ? -1 : 0;
}

int
dns_ask_open(const struct dns_host *h)
{
	struct buf why = BUF_INIT(600);
	int r = dns_ask_start(dns_host_value(h, "resolver"),
	    dns_host_value(h, "resolver_trust_anchor"), 0, &why);

	if (r == -1)
		ctl_say(-1, &why);
	buf_clear(&why);
	return r;
}

static void
later(struct question *q, const char *why)
{
	q->query = NULL;
	q->answer.status = DNS_TEMP;
	(void)str_copy(q->answer.why, sizeof(q->answer.why), why);
}

static void
answered(void *arg, struct dns_query *query, const struct dns_answer *a)
{
	struct question *q = arg;
	unsigned i;

	(void)query;
	heard = 1;
	q->query = NULL;
	q->answer.status = a->status;
	q->answer.ttl = a->ttl;
	if (a->status == DNS_TEMP)
		later(q, a->why != NULL ? a->why : "?");
	for (i = 0; i < a->n; i++)
		if (a->len[i] >= 0 && buf_put_lv(&q->answer.records,
		    a->data[i], (size_t)a->len[i]) == 0)
			q->answer.n++;
}

static struct question *
find(enum dns_type type, const char *name)
{
	struct question *q;

	for (q = questions; q != NULL; q = q->next)
		if (q->type == type && str_casecmp(q->name, name) == 0)
			return q;
	q = mem_zalloc(1, sizeof(*q));
	q->name = mem_strdup(name);
	q->type = type;
	buf_init(&q->answer.records, SPF_ANSWER_MAX);
	q->next = questions;
	questions = q;
	if (n_questions++ >= DNS_ASK_MAX || waited >= DNS_ASK_ALL_MS) {
		later(q, _("too many questions"));
		return q;
	}
	if (silent && !heard) {
		later(q, _("no name server answers"));
		return q;
	}
	q->deadline = clock_mono_ms() + DNS_ASK_MS;
	q->query = dns_ask(name, type, answered, q);
	if (q->query == NULL && q->answer.status == DNS_OK &&
	    q->answer.n == 0)
		later(q, _("it cannot be asked"));
	return q;
}

void
dns_ask_ahead(enum dns_type type, const char *name)
{
	(void)find(type, name);
}

const struct dns_asked *
dns_question(enum dns_type type, const char *name)
{
	struct question *q = find(type, name);
	int64_t start = clock_mono_ms(), now = start, left;
	struct pollfd p = { .fd = dns_fd(), .events = POLLIN };

	/* What came while nobody waited for it is here, however late it is. */
	if (q->query != NULL && poll(&p, 1, 0) == 1)
		dns_work();
	while (q->query != NULL) {
		left = silent && !heard ? 0 : q->deadline - now;
		if (left > DNS_ASK_ALL_MS - waited)
			left = DNS_ASK_ALL_MS - waited;
		if (left <= 0 || (poll(&p, 1, (int)left) == -1 &&
		    errno != EINTR)) {
			dns_cancel(&q->query);
			later(q, _("no answer in time"));
			silent = 1;
			break;
		}
		if (p.revents != 0)
			dns_work();
		waited += clock_mono_ms() - now;
		now = clock_mono_ms();
	}
	return &q->answer;
}

const char *
dns_ask_why(const char *name)
{
	const struct question *q;

	for (q = questions; q != NULL; q = q->next)
		if (q->answer.status == DNS_TEMP &&
		    str_casecmp(q->name, name) == 0)
			return q->answer.why;
	return "?";
}

void
dns_ask_close(void)
{
	struct question *q;

	while ((q = questions) != NULL) {
		questions = q->next;
		dns_cancel(&q->query);
		buf_clear(&q->answer.records);
		free(q->name);
		free(q);
	}
	n_questions = 0;
	waited = 0;
	heard = silent = 0;
}

int
dns_asked_next(const struct dns_asked *a, struct cursor *c,
    const unsigned char **p_r, size_t *len_r)
{
	if (c->p == NULL)
		cursor_init(c, buf_str(&a->records), a->records.len);
	if (cursor_left(c) == 0)
		return 0;
	*p_r = cursor_lv(c, len_r, SPF_ANSWER_MAX);
	return !c->bad;
}

/* What spf.h wants of a record. */
static void
spf_put(enum spf_type type, const unsigned char *p, size_t len,
    struct buf *out)
{
	struct buf text = BUF_INIT(SPF_ANSWER_MAX);
	char name[DOMAIN_MAX + 1];
	unsigned pref;

	if (type == SPF_A || type == SPF_AAAA)
		buf_put_lv(out, p, len);
	else if (type == SPF_TXT) {
		if (dns_rr_txt(p, len, &text) == 0)
			buf_put_lv(out, buf_str(&text), text.len);
	} else if (type == SPF_MX ? dns_rr_mx(p, len, &pref, name) == 0 :
	    dns_rr_name(p, len, name) == 0)
		buf_put_lv(out, name, strlen(name));
	buf_clear(&text);
}

enum spf_found
dns_ask_spf(void *arg, enum spf_type type, const char *name, struct buf *out)
{
	const struct dns_asked *a = dns_question((enum dns_type)type, name);
	struct cursor c = { .p = NULL };
	const unsigned char *p;
	size_t len;

	(void)arg;
	if (a->status == DNS_TEMP)
		return SPF_LATER;
	if (a->status != DNS_OK)
		return SPF_ABSENT;
	while (dns_asked_next(a, &c, &p, &len))
		spf_put(type, p, len, out);
	return SPF_FOUND;
}
