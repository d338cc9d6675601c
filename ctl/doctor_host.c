/*
 * What doctor looks at on the machine itself.
 */
#include "config.h"

#include <sys/stat.h>
#include <sys/timex.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_cert.h"
#include "ctl/ctl_control.h"
#include "ctl/doctor.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/mail/queue_id.h"
#include "lib/net/addr.h"
#include "lib/net/connect.h"

enum { IDS_MAX = 64 << 20, ANSWER_MS = 20 * 1000 };

static void
check_clock(const struct dns_host *h, struct findings *l)
{
	struct timex t = { .modes = 0 };

	if (adjtimex(&t) == TIME_ERROR && (t.status & STA_UNSYNC) != 0)
		finding_add(l, FINDING_CLOCK, h->name, NULL, NULL, NULL);
}

static void
check_certificate(const struct dns_host *h, struct findings *l)
{
	const char *path = dns_host_value(h, "tls_certificate");
	struct buf words = BUF_INIT(4000), one = BUF_INIT(1000);
	const char *p, *line;
	size_t len, n = 0;

	(void)cert_judge(path, h->name, &words);
	p = buf_str(&words);
	while ((line = str_line(&p, &len)) != NULL) {
		buf_set(&one, "%.*s", (int)len, line);
		finding_add(l, FINDING_CERTIFICATE, h->name, buf_str(&one),
		    NULL, NULL);
		n++;
	}
	if (cert_is_ours(path))
		finding_add(l, FINDING_CERTIFICATE_OWN, h->name, NULL, NULL,
		    NULL);
	else if (n == 0 && cert_good(path, h->name))
		finding_add(l, FINDING_CERTIFICATE_GOOD, h->name, NULL, NULL,
		    NULL);
	buf_clear(&words);
	buf_clear(&one);
}

/* The least of the packed ids, which grow with time; "" for none. */
static void
oldest_id(const struct buf *ids, char id[QUEUE_ID_LEN + 1], size_t *n_r)
{
	struct cursor c;
	const char *p;
	size_t len;

	id[0] = '\0';
	*n_r = 0;
	cursor_init(&c, buf_str(ids), ids->len);
	while (cursor_left(&c) > 0 &&
	    (p = cursor_lv(&c, &len, QUEUE_ID_LEN)) != NULL) {
		if (len != QUEUE_ID_LEN)
			continue;
		++*n_r;
		if (id[0] == '\0' || memcmp(p, id, len) < 0) {
			memcpy(id, p, len);
			id[len] = '\0';
		}
	}
}

/* How long the oldest message waits: since its file was written. */
static void
check_queue(struct ctl *c, const struct dns_host *h, struct findings *l)
{
	struct buf ids = BUF_INIT(IDS_MAX), path = BUF_INIT(0);
	struct ctl_control q = { .who = PEER_QUEUE, .type = C_LIST,
		.timeout_ms = ANSWER_MS, .first = &ids, .quiet = 1 };
	char id[QUEUE_ID_LEN + 1];
	int64_t age = 0;
	struct stat st;
	size_t n;

	if (control_call(c, &q) == CTL_DONE) {
		oldest_id(&ids, id, &n);
		buf_printf(&path, "%s/spool/queue/body/%s", c->state_dir, id);
		if (n > 0 && stat(buf_str(&path), &st) == 0)
			age = clock_now() - st.st_mtime;
		if (age > DOCTOR_QUEUE_OLD)
			finding_add_number(l, FINDING_QUEUE_OLD, h->name, id,
			    (uint64_t)age / 3600);
		else
			finding_add_number(l, FINDING_QUEUE_GOOD, h->name, "", n);
	}
	buf_clear(&ids);
	buf_clear(&path);
}

void
doctor_host(struct ctl *c, const struct dns_host *h, struct findings *l,
    int *running_r)
{
	int fd = control_connect(c->state_dir, PEER_MASTER);

	*running_r = fd != -1;
	if (fd != -1)
		close(fd);
	else
		finding_add(l, FINDING_STOPPED, h->name, NULL, NULL, NULL);
	check_certificate(h, l);
	check_clock(h, l);
	doctor_disk(c->state_dir, h->name, l);
	if (*running_r)
		check_queue(c, h, l);
}

/* What is bound to no address is reached by loopback. */
static void
check_port(const struct dns_host *h, struct findings *l, enum service s,
    const struct addr *listed)
{
	const struct sockaddr *sa = (const struct sockaddr *)&listed->ss;
	struct buf why = BUF_INIT(300);
	char ip[ADDR_TEXT_MAX], port[16];
	struct addr to = *listed;
	int fd;

	addr_print_ip(sa, ip, sizeof(ip));
	snprintf(port, sizeof(port), "%u", addr_port(sa));
	if (strcmp(ip, "0.0.0.0") == 0)
		fd = addr_of_ip(&to, "127.0.0.1", 9, addr_port(sa));
	else if (strcmp(ip, "::") == 0)
		fd = addr_of_ip(&to, "::1", 3, addr_port(sa));
	else
		fd = 0;
	if (fd == 0)
		fd = addr_connect(&to, DOCTOR_CONNECT_MS, &why);
	if (fd == -1)
		finding_add(l, FINDING_PORT_DEAD, h->name, port,
		    service_name(s), buf_str(&why));
	else {
		close(fd);
		finding_add(l, FINDING_PORT_GOOD, h->name, port,
		    service_name(s), NULL);
	}
	buf_clear(&why);
}

void
doctor_ports(const struct dns_host *h, struct findings *l)
{
	struct buf why = BUF_INIT(300);
	struct addr *list = NULL;
	char key[40];
	size_t n, i;
	unsigned s;

	for (s = SERVICE_NONE + 1; s < SERVICE_COUNT; s++) {
		snprintf(key, sizeof(key), "listen_%s",
		    service_name((enum service)s));
		if (addr_parse_list(dns_host_value(h, key), 0, &list, &n,
		    &why) == 0 && n > 0)
			for (i = 0; i < n; i++)
				/* IPv4 is enough where both are listed. */
				if (list[i].ss.ss_family == AF_INET ||
				    n == 1)
					check_port(h, l, (enum service)s,
					    &list[i]);
		free(list);
		list = NULL;
	}
	buf_clear(&why);
}
