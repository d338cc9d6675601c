#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/mail/limits.h"
#include "lib/net/dns.h"
#include "relay/resolve_ask.h"
#include "relay/resolve_trouble.h"

enum {
	FAILED_IN_A_ROW = 5,
	CONF_MAX = 64 * 1024,	/* octets of resolv.conf */
	TEXT_MAX = 200,
	TICKS = 4,		/* of a look, in a second */
};

static const struct {
	const char *name, *words;
	int	 log;		/* nobody else says it */
} kinds[TROUBLES] = {
	[TROUBLE_NONE] = { "", "", 0 },
	[TROUBLE_SILENT] = { "silent", "does not answer", 1 },
	[TROUBLE_NO_EDNS] = { "no-edns", "does not answer questions with EDNS",
	    1 },
	[TROUBLE_CUT] = { "cut",
	    "cuts long answers short, and does not answer by TCP", 1 },
	[TROUBLE_UNSIGNED] = { "unsigned",
	    "gives answers without the signatures of DNSSEC", 0 },
	[TROUBLE_FAILS] = { "fails", "answers no question", 0 },
	[TROUBLE_LIES] = { "lies", "answers for names that do not exist, with ",
	    0 },
};

struct question {
	char	 name[DOMAIN_MAX + 1];
	unsigned type;
};

static struct {
	struct ev_loop *loop;	/* NULL: not started */
	trouble_tell *tell;
	struct ask asks[TROUBLE_SERVERS];
	unsigned n;
	char	 text[TEXT_MAX];	/* the servers */
	ev_timer slow, ticks, again;
	struct question last, about;	/* asked; looked at */
	unsigned out;		/* questions that are not answered */
	int	 looking;
	unsigned tick;
	int64_t	 looked_at;	/* ms */
	enum trouble found;	/* by the last look */
	unsigned failed;	/* in a row */
	int	 bogus;		/* the last one */
	char	 lie[INET6_ADDRSTRLEN];
	enum trouble told;
	char	 told_lie[INET6_ADDRSTRLEN];
} st;

/* "192.0.2.1", "2001:db8::1@5353"; what is none is left out. */
static void
add_server(const char *p, size_t len)
{
	const char *at = memchr(p, '@', len);
	size_t n = at != NULL ? (size_t)(at - p) : len, used;
	uint64_t port = 53;

	if (at != NULL && str_number(at + 1, len - n - 1, 65535, &port) == -1)
		return;
	if (st.n == TROUBLE_SERVERS ||
	    addr_of_ip(&st.asks[st.n].addr, p, n, (unsigned)port) == -1)
		return;
	used = strlen(st.text);
	snprintf(st.text + used, sizeof(st.text) - used, "%s%.*s",
	    st.n > 0 ? ", " : "", (int)len, p);
	st.asks[st.n].udp = st.asks[st.n].tcp = -1;
	st.n++;
}

/* resolv.conf(5): "nameserver" at the start of a line. */
static void
read_conf(void)
{
	static const char word[] = "nameserver";
	struct buf text = BUF_INIT(CONF_MAX);
	int fd = fd_open_file(-1, "/etc/resolv.conf", 0);
	const char *p, *line;
	size_t len, n;

	if (fd != -1 && fd_slurp(fd, &text) == 0)
		for (p = buf_str(&text); (line = str_line(&p, &len)) != NULL;) {
			n = sizeof(word) - 1;
			if (len <= n || memcmp(line, word, n) != 0)
				continue;
			for (; n < len && (line[n] == ' ' || line[n] == '\t');)
				n++;
			add_server(line + n, strcspn(line + n, " \t\r\n"));
		}
	fd_close(&fd);
	buf_clear(&text);
}

void
trouble_open(const char *servers)
{
	size_t n;

	if (servers[0] == '\0')
		read_conf();
	for (; *servers != '\0'; servers += n) {
		servers += strspn(servers, " \t,");
		n = strcspn(servers, " \t,");
		add_server(servers, n);
	}
}

static enum trouble
current(void)
{
	if (st.found != TROUBLE_NONE)
		return st.found;
	if (st.failed >= FAILED_IN_A_ROW)
		return st.bogus ? TROUBLE_UNSIGNED : TROUBLE_FAILS;
	return st.lie[0] != '\0' ? TROUBLE_LIES : TROUBLE_NONE;
}

static void
update(void)
{
	enum trouble now = current();
	struct buf words = BUF_INIT(TEXT_MAX);

	if (now == st.told && strcmp(st.lie, st.told_lie) == 0)
		return;
	buf_printf(&words, "%s%s", kinds[now].words,
	    now == TROUBLE_LIES ? st.lie : "");
	if (now != st.told && kinds[now].log)
		log_warn("resolver: %s %s: mail waits (rohrpost status)",
		    st.text, buf_str(&words));
	else if (now != st.told && kinds[st.told].log)
		log_info("resolver: no longer so: %s %s", st.text,
		    kinds[st.told].words);
	st.told = now;
	str_copy(st.told_lie, sizeof(st.told_lie), st.lie);
	st.tell(kinds[now].name, now == TROUBLE_NONE ? "" : st.text,
	    buf_str(&words));
	buf_clear(&words);
}

/* What does not come through to that server. */
static enum trouble
judge(const struct ask *a)
{
	const unsigned edns = ASK_ROOT_EDNS | ASK_NAME_EDNS;

	if (!(a->seen & (edns | ASK_ROOT | ASK_NAME)))
		return TROUBLE_SILENT;
	if (!(a->seen & edns))
		return TROUBLE_NO_EDNS;
	return (a->seen & ASK_CUT) && !(a->seen & ASK_TCP) ? TROUBLE_CUT :
	    TROUBLE_NONE;
}

static void
look_end(void)
{
	unsigned i;

	st.found = judge(&st.asks[0]);
	for (i = 0; i < st.n; i++) {
		if (judge(&st.asks[i]) == TROUBLE_NONE)
			st.found = TROUBLE_NONE;
		ask_stop(&st.asks[i]);
	}
	ev_timer_stop(st.loop, &st.ticks);
	st.looking = 0;
	st.looked_at = clock_mono_ms();
	if (st.found != TROUBLE_NONE) {
		ev_timer_set(&st.again, TROUBLE_AGE, 0);
		ev_timer_start(st.loop, &st.again);
	}
	update();
}

static void
on_tick(struct ev_loop *loop, ev_timer *w, int events)
{
	unsigned i, done = 0, tcp = 0;

	st.tick++;
	for (i = 0; i < st.n; i++) {
		done += (unsigned)ask_is_done(&st.asks[i]);
		tcp += st.asks[i].tcp != -1;
		if (st.tick == TROUBLE_WAIT * TICKS / 2)
			ask_again(&st.asks[i], st.about.name,
			    st.about.type);
	}
	/* Who began late to talk by TCP has as long again. */
	if (done == st.n || st.tick >= (tcp > 0 ? 2 : 1) * TROUBLE_WAIT * TICKS)
		look_end();
}

static void
look(const struct question *about)
{
	unsigned i;

	if (st.looking || st.n == 0)
		return;
	st.looking = 1;
	st.tick = 0;
	st.about = *about;
	ev_timer_stop(st.loop, &st.again);
	for (i = 0; i < st.n; i++)
		ask_start(&st.asks[i], st.loop, st.about.name, st.about.type);
	ev_timer_set(&st.ticks, 1.0 / TICKS, 1.0 / TICKS);
	ev_timer_start(st.loop, &st.ticks);
}

static void
look_unless_done(const struct question *about)
{
	if (st.looked_at == 0 || clock_mono_ms() - st.looked_at >=
	    TROUBLE_AGE * 1000)
		look(about);
}

static void
on_slow(struct ev_loop *loop, ev_timer *w, int events)
{
	look_unless_done(&st.last);
}

static void
on_again(struct ev_loop *loop, ev_timer *w, int events)
{
	struct question q = st.about;

	look(&q);
}

static void
wait_slow(void)
{
	ev_timer_stop(st.loop, &st.slow);
	if (st.out == 0)
		return;
	ev_timer_set(&st.slow, TROUBLE_SLOW, 0);
	ev_timer_start(st.loop, &st.slow);
}

static void
asked(const char *name, unsigned type)
{
	str_copy(st.last.name, sizeof(st.last.name), name);
	st.last.type = type;
	if (st.out++ == 0)
		wait_slow();
}

static void
answered(const char *name, unsigned type, int failed, int bogus)
{
	struct question q = { .type = type };

	if (st.out > 0)
		st.out--;
	wait_slow();
	st.failed = failed ? st.failed + 1 : 0;
	st.bogus = bogus;
	if (failed && !bogus) {
		str_copy(q.name, sizeof(q.name), name);
		look_unless_done(&q);
	}
	update();
}

static void
cancelled(void)
{
	if (st.out > 0)
		st.out--;
	if (st.out == 0)
		wait_slow();
}

void
trouble_start(struct ev_loop *loop, trouble_tell *tell)
{
	static const struct dns_watch watch = { .asked = asked,
		.answered = answered, .cancelled = cancelled };

	st.loop = loop;
	st.tell = tell;
	ev_timer_init(&st.slow, on_slow, TROUBLE_SLOW, 0);
	ev_timer_init(&st.ticks, on_tick, 0, 0);
	ev_timer_init(&st.again, on_again, 0, 0);
	dns_watch(&watch);
}

void
trouble_lie(const char *address)
{
	str_copy(st.lie, sizeof(st.lie), address != NULL ? address : "");
	if (st.loop != NULL)
		update();
}
