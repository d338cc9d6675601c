#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unbound.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/net/addr.h"
#include "lib/net/dns.h"

struct dns_query {
	dns_callback *done;
	void	*arg;
	int	 id;
	enum dns_type type;
	char	 name[];
};

enum { FAILED_IN_A_ROW = 5 };	/* until it is said */

static struct ub_ctx *ctx;
static unsigned failed;
static const struct dns_watch *watch;
static int quiet;

/*
 * A stub resolver's settings: servers on loopback are as good as others; a
 * server that was silent is asked again soon, for an hour without DNS must
 * not become two; names that do not exist may begin to.
 */
static const char *const options[][2] = {
	{ "do-not-query-localhost:", "no" },
	{ "infra-host-ttl:", "30" },
	{ "infra-keep-probing:", "yes" },
	{ "cache-max-negative-ttl:", "300" },
	{ "cache-max-ttl:", "86400" },
	{ "outgoing-range:", "256" },
	{ "num-queries-per-thread:", "512" },
	{ "msg-cache-size:", "4m" },
	{ "rrset-cache-size:", "8m" },
	{ "use-syslog:", "no" },
};

/*
 * Zones that libunbound answers as empty on its own (RFC 6303, 6761, 8375).
 * Where the operator names a server, that server is the one to ask.
 */
static const char *const unblock[] = { "test.", "home.arpa.", NULL };

static int
dns_failed(const char *what, int err, struct buf *why)
{
	buf_set(why, "resolver: %s: %s", what, ub_strerror(err));
	return -1;
}

/* "addr", "addr@port"; libunbound would cut a port that is too great. */
static int
dns_server_check(const char *word, struct buf *why)
{
	size_t len = strcspn(word, "@"), host = strcspn(word, "@%");
	uint64_t port = 53;

	if ((addr_is_ip(word, len, 0) || addr_is_ip(word, host, 1)) &&
	    (word[len] == '\0' || (str_number(word + len + 1,
	    strlen(word + len + 1), 65535, &port) == 0 && port > 0)))
		return 0;
	buf_set(why, "resolver: \"%.80s\" is no address like 192.0.2.1 or "
	    "2001:db8::1@53", word);
	return -1;
}

/* Does the operator name servers, of a network with zones of its own? */
static int
dns_named(const char *servers)
{
	return servers[0] != '\0' && str_casecmp(servers, "root") != 0;
}

static int
dns_servers(const char *servers, struct buf *why)
{
	char *copy, *word, *rest;
	int err = 0, r = 0;

	if (str_casecmp(servers, "root") == 0)
		return 0;
	if (servers[0] == '\0') {
		if ((err = ub_ctx_resolvconf(ctx, NULL)) != 0)
			return dns_failed("/etc/resolv.conf", err, why);
		return 0;
	}
	copy = mem_strdup(servers);
	for (word = strtok_r(copy, " \t,", &rest); word != NULL && r == 0;
	    word = strtok_r(NULL, " \t,", &rest))
		if ((r = dns_server_check(word, why)) == 0 &&
		    (err = ub_ctx_set_fwd(ctx, word)) != 0)
			r = dns_failed(word, err, why);
	free(copy);
	return r;
}

static int
dns_options(const char *servers, const char *anchor, struct buf *why)
{
	size_t i;
	int err;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if ((err = ub_ctx_set_option(ctx, options[i][0],
		    options[i][1])) != 0)
			return dns_failed(options[i][0], err, why);
	if (dns_named(servers) && (err = ub_ctx_set_option(ctx,
	    "unblock-lan-zones:", "yes")) != 0)
		return dns_failed("unblock-lan-zones", err, why);
	if (anchor[0] != '\0' && (err = ub_ctx_add_ta_file(ctx, anchor)) != 0)
		return dns_failed(anchor, err, why);
	if (anchor[0] == '\0' && (err = ub_ctx_set_option(ctx,
	    "module-config:", "iterator")) != 0)
		return dns_failed("module-config", err, why);
	return 0;
}

/* A context with everything set that needs no thread. */
static int
dns_context(const char *servers, const char *anchor, struct buf *why)
{
	if ((ctx = ub_ctx_create()) == NULL) {
		buf_set(why, "resolver: libunbound does not start");
		return -1;
	}
	ub_ctx_debugout(ctx, NULL);
	return dns_servers(servers, why) == -1 ? -1 :
	    dns_options(servers, anchor, why);
}

int
dns_check(const char *servers, const char *anchor, struct buf *why)
{
	int r = dns_context(servers, anchor, why);

	if (r == 0 && anchor[0] != '\0' && access(anchor, R_OK) == -1) {
		buf_set(why, "resolver_trust_anchor: %s: %s", anchor,
		    strerror(errno));
		r = -1;
	}
	ub_ctx_delete(ctx);
	ctx = NULL;
	return r;
}

int
dns_open(const char *servers, const char *anchor, struct buf *why)
{
	size_t i;
	int err;

	if (dns_context(servers, anchor, why) == -1)
		return -1;
	if ((err = ub_ctx_async(ctx, 1)) != 0)
		return dns_failed("thread", err, why);
	/*
	 * Zones can be changed only in a finished context; the first change
	 * finishes it, which reads the trust anchor: before the jail.
	 */
	if ((err = ub_ctx_zone_add(ctx, "invalid.", "static")) != 0)
		return dns_failed("start", err, why);
	for (i = 0; dns_named(servers) && unblock[i] != NULL; i++)
		if ((err = ub_ctx_zone_remove(ctx, unblock[i])) != 0)
			return dns_failed(unblock[i], err, why);
	return 0;
}

void
dns_quiet(void)
{
	quiet = 1;
}

void
dns_watch(const struct dns_watch *w)
{
	watch = w;
}

int
dns_fd(void)
{
	return ub_fd(ctx);
}

void
dns_work(void)
{
	int err = ub_process(ctx);

	if (err != 0)
		log_fatal("resolver: %s", ub_strerror(err));
}

static unsigned
count_data(const struct ub_result *r)
{
	unsigned n = 0;

	while (r->data != NULL && r->data[n] != NULL)
		n++;
	return n;
}

/*
 * One question that fails is that domain's trouble; where none is answered it
 * is the name servers'.
 */
static void
dns_health(const struct dns_answer *a, const struct ub_result *r)
{
	if (a->status != DNS_TEMP) {
		if (failed >= FAILED_IN_A_ROW)
			log_info("resolver: the name servers answer again");
		failed = 0;
	} else if (++failed == FAILED_IN_A_ROW)
		log_warn("resolver: %u questions in a row have failed, the "
		    "last for %.255s: %s%s%.200s: do the name servers work?",
		    failed, r != NULL && r->qname != NULL ? r->qname : "?", a->why,
		    r != NULL && r->why_bogus != NULL ? ": " : "",
		    r != NULL && r->why_bogus != NULL ? r->why_bogus : "");
}

static void
dns_done(void *arg, int err, struct ub_result *r)
{
	struct dns_answer a = { .status = DNS_TEMP };
	struct dns_query *q = arg;

	if (err != 0 || r == NULL)
		a.why = err != 0 ? ub_strerror(err) : "no answer";
	else if (r->bogus)
		a.why = "the signature of the answer is wrong";
	else if (r->rcode != 0 && !r->nxdomain)
		a.why = r->rcode == 2 ? "the name server failed" :
		    "the name server refused";
	else if (r->nxdomain)
		a.status = DNS_NXDOMAIN;
	else
		a.status = r->havedata ? DNS_OK : DNS_NODATA;
	if (r != NULL)
		a.secure = r->secure;
	if (a.status == DNS_OK) {
		a.n = count_data(r);
		a.ttl = r->ttl > 0 ? (unsigned)r->ttl : 0;
		a.data = (unsigned char *const *)r->data;
		a.len = r->len;
	}
	if (!quiet)
		dns_health(&a, r);
	if (watch != NULL)
		watch->answered(q->name, q->type, a.status == DNS_TEMP,
		    r != NULL && r->bogus);
	q->done(q->arg, q, &a);
	if (r != NULL)
		ub_resolve_free(r);
	free(q);
}

struct dns_query *
dns_ask(const char *name, enum dns_type type, dns_callback *done, void *arg)
{
	size_t size = strlen(name) + 1;
	struct dns_query *q = mem_zalloc(1, sizeof(*q) + size);
	int err;

	q->done = done;
	q->arg = arg;
	q->type = type;
	memcpy(q->name, name, size);
	err = ub_resolve_async(ctx, name, (int)type, 1, q, dns_done, &q->id);
	if (err == 0) {
		if (watch != NULL)
			watch->asked(name, type);
		return q;
	}
	log_warn("resolver: %s: %s", name, ub_strerror(err));
	free(q);
	return NULL;
}

void
dns_cancel(struct dns_query **q)
{
	if (*q == NULL)
		return;
	(void)ub_cancel(ctx, (*q)->id);
	if (watch != NULL)
		watch->cancelled();
	free(*q);
	*q = NULL;
}
