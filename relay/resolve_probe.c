#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "relay/resolve_probe.h"

/* A label that is nobody's, under a zone that has no record for all names. */
enum { LABEL = 20 };
static char name[LABEL + sizeof(".com")];
static int64_t due_at;

/* What it led to, of each family. */
static struct host said[2];
static void (*tell)(const char *);

void
probe_tell(void (*to)(const char *address))
{
	tell = to;
}

const char *
probe_due(void)
{
	int i;

	if (due_at > clock_mono_ms())
		return NULL;
	if (name[0] == '\0') {
		for (i = 0; i < LABEL; i++)
			name[i] = (char)('a' + arc4random_uniform(26));
		memcpy(name + LABEL, ".com", sizeof(".com"));
	}
	return name;
}

static int
same(const struct resolve_address *a, const struct resolve_address *b)
{
	return a->family == b->family &&
	    memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

static int
has(const struct host *h, const struct resolve_address *a)
{
	unsigned i;

	for (i = 0; i < h->n; i++)
		if (same(&h->addr[i], a))
			return 1;
	return 0;
}

static void
print(const struct resolve_address *a, char *text)
{
	if (inet_ntop(a->family, a->octets, text, INET6_ADDRSTRLEN) == NULL)
		text[0] = '\0';
}

static void
say(unsigned before)
{
	const struct host *h = said[0].n > 0 ? &said[0] : &said[1];
	char text[INET6_ADDRSTRLEN];

	if (before == 0 && h->n > 0) {
		print(&h->addr[0], text);
		log_warn("resolver: the name servers answer for names that do "
		    "not exist, with %s: mail that would go there waits; name "
		    "others with resolver", text);
		if (tell != NULL)
			tell(text);
	} else if (before > 0 && h->n == 0) {
		log_info("resolver: names that do not exist have no address "
		    "any more");
		if (tell != NULL)
			tell(NULL);
	}
}

void
probe_saw(enum dns_type type, const struct dns_answer *a)
{
	struct hosts one = { .n = 1 };
	unsigned i, before = said[0].n + said[1].n;

	due_at = clock_mono_ms() + (a->status == DNS_TEMP ? PROBE_AGAIN :
	    PROBE_AGE);
	name[0] = '\0';		/* the next one is another */
	if (a->status == DNS_TEMP)
		return;
	for (i = 0; i < a->n; i++)
		hosts_add_address(&one, 0, a->data[i], (size_t)a->len[i]);
	said[type == DNS_AAAA] = one.host[0];
	say(before);
}

unsigned
probe_drop(struct host *h, char *text)
{
	unsigned i, n, gone;

	for (i = n = 0; i < h->n; i++)
		if (has(&said[0], &h->addr[i]) || has(&said[1], &h->addr[i]))
			print(&h->addr[i], text);
		else
			h->addr[n++] = h->addr[i];
	gone = h->n - n;
	h->n = n;
	return gone;
}
