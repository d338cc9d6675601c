#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_family.h"
#include "lib/base/fd.h"
#include "lib/base/words.h"
#include "lib/net/addr.h"
#include "lib/server/settings.h"

/* With ipv6.disable=1, and where the kernel is built without it. */
static int
has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return errno != EAFNOSUPPORT;
	fd_close(&fd);
	return 1;
}

static void
complain(struct buf *why, const char *key, const char *address, size_t len)
{
	buf_printf(why, _("%s: %.*s: this host has no IPv6\n"), key,
	    (int)(len > 80 ? 80 : len), address);
}

static void
judge_listen(struct buf *why, const char *key, const char *value)
{
	struct buf fault = BUF_INIT(300);
	const struct sockaddr *sa;
	char text[ADDR_TEXT_MAX];
	size_t i, n = 0, four = 0;
	struct addr *list = NULL;

	if (addr_parse_list(value, 0, &list, &n, &fault) == -1)
		n = 0;	/* said by master's check */
	for (i = 0; i < n; i++)
		four += list[i].ss.ss_family == AF_INET;
	for (i = 0; i < n; i++) {
		sa = (const struct sockaddr *)&list[i].ss;
		if (sa->sa_family != AF_INET6 || (four > 0 && addr_is_any(sa)))
			continue;
		addr_print(sa, text, sizeof(text));
		complain(why, key, text, strlen(text));
	}
	free(list);
	buf_clear(&fault);
}

/* Addresses of servers: a colon is in those of IPv6 alone. */
static void
judge_servers(struct buf *why, const char *key, const char *value)
{
	static const char blanks[] = " \t,";
	size_t len;

	for (value += strspn(value, blanks); *value != '\0';
	    value += strspn(value + len, blanks) + len) {
		len = strcspn(value, blanks);
		if (memchr(value, ':', len) != NULL)
			complain(why, key, value, len);
	}
}

static int
judge(const char *key, const char *value, unsigned line, void *arg)
{
	(void)line;
	if (strncmp(key, "listen_", 7) == 0)
		judge_listen(arg, key, value);
	else if (strcmp(key, "resolver") == 0 || strcmp(key, "relay_host") == 0)
		judge_servers(arg, key, value);
	return 0;
}

int
family_judge(const char *dir, struct buf *why)
{
	struct buf fault = BUF_INIT(300);
	int r;

	buf_reset(why);
	if (has_ipv6())
		return 0;
	r = settings_walk(dir, judge, why, &fault);
	buf_clear(&fault);
	return r == 0 && why->len == 0 ? 0 : -1;
}
