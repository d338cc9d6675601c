#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/link/resolve.h"
#include "relay/fetch.h"

static void
account_take(struct fetch_account *a, const struct msg *m)
{
	const char *p;
	size_t len;

	a->name = msg_get_dup(m, CLF_ACCOUNT);
	a->host = msg_get_dup(m, CLF_HOST);
	a->login = msg_get_dup(m, CLF_LOGIN);
	a->password = msg_get_dup(m, CLF_PASSWORD);
	a->owner = msg_has(m, CLF_OWNER) ? msg_get_dup(m, CLF_OWNER) : NULL;
	a->port = msg_get_u32(m, CLF_PORT);
	a->kind = (enum cl_kind)msg_get_u32(m, CLF_KIND);
	a->security = (enum cl_security)msg_get_u32(m, CLF_SECURITY);
	a->flags = msg_get_u32(m, CLF_FLAGS);
	a->largest = msg_get_u64(m, CLF_LARGEST);
	a->seconds = msg_get_u32(m, CLF_SECONDS);
	a->validity = msg_get_u32(m, CLF_VALIDITY);
	a->since = msg_get_u32(m, CLF_SINCE);
	buf_init(&a->fields, 0);
	p = msg_get(m, CLF_FIELDS, &len);
	buf_append(&a->fields, p, len);
}

static void
account_clear(struct fetch_account *a)
{
	free(a->name);
	free(a->host);
	free(a->login);
	mem_wipe(a->password, strlen(a->password));
	free(a->password);
	free(a->owner);
	buf_clear(&a->fields);
}

/* The addresses of the host: those that resolve has, or the one that it is. */
static size_t
addresses(struct fetch *f, struct addr *v, size_t max, struct buf *words)
{
	struct resolve_answer *a;
	const char *host = f->a.host;
	size_t n = 0;

	if (addr_of_ip(&v[0], host, strlen(host), f->a.port) == 0)
		return 1;
	a = mem_zalloc(1, sizeof(*a));
	if (resolve_ask(N_HOST, host, f->a.port, a, words) == N_OK)
		for (; n < a->host[0].n && n < max; n++)
			v[n] = a->host[0].addr[n];
	free(a);
	return n;
}

static int
reach(struct fetch *f)
{
	struct buf words = BUF_INIT(FETCH_WORDS_MAX);
	struct addr v[CONNECT_MAX];
	size_t n = addresses(f, v, CONNECT_MAX, &words), which;
	int fd = -1;

	if (n == 0) {
		fetch_end(f, CL_UNREACHED, "%s: %s", f->a.host,
		    buf_str(&words));
	} else if ((fd = connect_first(v, n, &which, &words)) == -1) {
		fetch_end(f, CL_UNREACHED, "no connection to %s, port %u: %s",
		    f->a.host, f->a.port, buf_str(&words));
	} else {
		addr_print_ip((const struct sockaddr *)(const void *)
		    &v[which].ss, f->ip, sizeof(f->ip));
	}
	buf_clear(&words);
	return fd;
}

void
fetch_run(struct fetch *f, struct msg *run)
{
	size_t i;
	int fd;

	account_take(&f->a, run);
	buf_init(&f->words, FETCH_WORDS_MAX);
	buf_init(&f->items, 0);
	for (i = 0; i < CL_WINDOW; i++)
		f->slot[i].fd = -1;
	fetch_begin(f);
	if ((fd = reach(f)) != -1) {
		if (f->a.kind == CL_IMAP)
			fetch_imap(f, fd);
		else
			fetch_pop3(f, fd);
	}
	if (f->later)
		fetch_end(f, CL_QUEUE, "queue takes nothing at present");
	fetch_end(f, CL_OK, "%s", "");
	if (!f->gone)
		talk_end(f);
	talk_clear(f);
	buf_clear(&f->words);
	account_clear(&f->a);
}
