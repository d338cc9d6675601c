#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/commands.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "ctl/dns_ask.h"
#include "ctl/explain.h"
#include "lib/base/words.h"

enum { CHUNK = 64 * 1024 };

/* Its size as SMTP sends it, with CRLF, and its header. 0, or -1 (said). */
static int
read_file(struct explain *x)
{
	static char chunk[CHUNK];
	int fd = open(x->file, O_RDONLY | O_CLOEXEC);
	char before = '\0';
	ssize_t n, i;

	if (fd == -1)
		return ctl_fail(-1, "%s: %s", x->file, strerror(errno));
	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		for (i = 0; i < n; i++) {
			x->size += 1 + (chunk[i] == '\n' && before != '\r');
			before = chunk[i];
		}
		/* What does not fit is more than a header may have. */
		if (buf_append(&x->head, chunk, (size_t)n) == -1)
			buf_append(&x->head, chunk,
			    x->head.max - x->head.len);
	}
	if (n == -1)
		ctl_fail(-1, "%s: %s", x->file, strerror(errno));
	close(fd);
	return n == -1 ? -1 : 0;
}

/* An address as it stands in MAIL and RCPT. 0, or -1 (said). */
static int
take_address(struct address *a, const char *text)
{
	enum address_result r;
	size_t used;

	r = address_path(a, text, strlen(text), &used);
	if (r == ADDRESS_OK && text[used] == '\0')
		return 0;
	return ctl_fail(-1, "%s: %s", text, r == ADDRESS_OK ?
	    _("more than an address") : address_words(r));
}

static int
take_arguments(struct ctl *c, struct explain *x, struct host_address *client)
{
	const char *ip = c->opt[OPT_EXPLAIN_IP];

	if (c->opt[OPT_EXPLAIN_FROM] == NULL || ip == NULL)
		return ctl_fail(-1, "%s", _("--from and --ip are needed"));
	if (take_address(&x->from, c->opt[OPT_EXPLAIN_FROM]) == -1 ||
	    take_address(&x->to, c->args[0]) == -1)
		return -1;
	if (host_address_parse(client, ip, strlen(ip)) == -1)
		return ctl_fail(-1, _("%s: no address like 192.0.2.1 or "
		    "2001:db8::1"), ip);
	x->client = client;
	x->file = c->opt[OPT_EXPLAIN_FILE];
	return x->file != NULL ? read_file(x) : 0;
}

static int
open_tables(struct ctl *c, struct explain *x)
{
	struct buf path = BUF_INIT(0), why = BUF_INIT(500);

	buf_printf(&path, "%s/jail/tables.cdb", c->state_dir);
	x->tables = tables_open(buf_str(&path), &why);
	if (x->tables == NULL)
		ctl_say(-1, &why);
	buf_clear(&path);
	buf_clear(&why);
	return x->tables != NULL ? 0 : -1;
}

static const char *const results[] = {
	[EXPLAIN_PASS] = "pass", [EXPLAIN_REFUSE] = "refuse",
	[EXPLAIN_LATER] = "later"
};

static int
json(const struct explain *x)
{
	static const char *const names[] = { "step", "subject", "result",
		"reply", "reason" };
	const struct explain_row *r;
	struct out o;
	size_t i;

	out_init(&o, stdout, 1);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		out_name(&o, names[i], strlen(names[i]));
	for (i = 0; i < x->n; i++) {
		r = &x->rows[i];
		out_text(&o, r->step);
		out_text(&o, r->subject);
		out_text(&o, results[r->result]);
		if (r->reply != NULL)
			out_text(&o, r->reply);
		else
			out_null(&o);
		out_text(&o, r->reason);
	}
	return out_end(&o);
}

static int
told(struct ctl *c, const struct explain *x)
{
	const struct explain_row *r;
	int status = CTL_DONE;
	size_t i;

	for (i = 0; i < x->n; i++) {
		r = &x->rows[i];
		if (!c->json)
			printf("%s: %s%s%s%s\n", r->subject, r->reason,
			    r->reply != NULL ? " (" : "",
			    r->reply != NULL ? r->reply : "",
			    r->reply != NULL ? ")" : "");
		if (r->result == EXPLAIN_REFUSE)
			status = CTL_REFUSED;
		else if (r->result == EXPLAIN_LATER && status == CTL_DONE)
			status = CTL_LATER;
	}
	return c->json && json(x) == -1 ? CTL_LATER : status;
}

int
cmd_explain(struct ctl *c)
{
	struct dns_host h = { .keys = { .k = NULL } };
	struct explain x = { .h = &h, .head = BUF_INIT(512 * 1024) };
	struct host_address client;
	int r = CTL_REFUSED;

	if (dns_host_load(&h, c, NULL) == 0 &&
	    take_arguments(c, &x, &client) == 0 && open_tables(c, &x) == 0) {
		explain_sender(&x);
		explain_recipient(&x);
		explain_message(&x);
		r = CTL_LATER;
		if (dns_ask_open(&h) == 0) {
			explain_spf(&x);
			explain_routes(&x);
			dns_ask_close();
			r = told(c, &x);
		}
	}
	explain_clear(&x);
	dns_host_clear(&h);
	return r;
}
