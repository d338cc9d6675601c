/*
 * SPF: a record that a stranger's domain has, and what DNS says besides. The
 * input is texts, each of which ends with NUL: the first is the sender, then
 * come the answers in turn, whatever is asked ("-": none, "?": later).
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/spf.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct answers {
	const char *p, *end;
	unsigned asked;
};

static const char *
next(struct answers *a)
{
	const char *p = a->p;

	if (p >= a->end)
		return "-";
	a->p += strlen(p) + 1;
	return p;
}

static enum spf_found
ask(void *arg, enum spf_type type, const char *name, struct buf *out)
{
	struct answers *a = arg;
	const char *p = next(a), *nl;
	size_t n;

	if (++a->asked > SPF_QUESTIONS_MAX + SPF_COUNT_MAX)
		abort();
	if (name[0] == '\0' || strlen(name) > DOMAIN_MAX)
		abort();
	if (strcmp(p, "?") == 0)
		return SPF_LATER;
	/* Lines are records, whatever octets they have. */
	for (; *p != '\0' && strcmp(p, "-") != 0; p += n + (p[n] == '\n')) {
		nl = strchr(p, '\n');
		n = nl != NULL ? (size_t)(nl - p) : strlen(p);
		buf_put_lv(out, p, type == SPF_A && n > 4 ? 4 : n);
	}
	return out->len > 0 ? SPF_FOUND : SPF_ABSENT;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spf_outcome o = SPF_OUTCOME_INIT;
	char *copy = mem_strndup((const char *)data, size);
	struct answers a = { .p = copy, .end = copy + size };
	struct spf_query q = { .helo = "h.test", .ask = ask, .arg = &a,
		.ip = "\x20\x01\x0d\xb8", .v6 = size % 2 != 0 };

	q.sender = next(&a);
	spf_check(&q, &o);
	if ((o.result == SPF_PERMERROR || o.result == SPF_TEMPERROR) !=
	    (o.fault != SPF_FAULT_NONE))
		abort();
	if (o.lookups > SPF_LOOKUPS_MAX + 1 || o.voids > SPF_QUESTIONS_MAX)
		abort();
	a.p = copy;
	a.asked = 0;
	spf_count(&q, next(&a), &o);
	spf_outcome_clear(&o);
	free(copy);
	return 0;
}
