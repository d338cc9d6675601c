/* Command lines and parameters: split, found, judged, taken apart. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/dsn.h"
#include "smtpd/smtpd_command.h"
#include "smtpd/smtpd_ext.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What the archive needs of the skeleton. */
struct chan *
server_peer(enum peer p, int timeout_ms)
{
	return NULL;
}

void
server_peer_lost(enum peer p)
{
}

void
server_retire(void)
{
}

int
server_master_fd(void)
{
	return -1;
}

int
server_ending(int hear)
{
	return 0;
}

void
server_waiting(int64_t since)
{
}

int
server_kicked(void)
{
	return 0;
}

int
server_yielding(void)
{
	return 0;
}

/* What is taken may stand in a command line and, shown, in a field. */
static void
look_recipient(const struct packed_recipient *r)
{
	struct buf shown = BUF_INIT(0);
	char words[DSN_NOTIFY_MAX];
	uint32_t again = 0;
	size_t i;

	dsn_notify_words(r->notify, words);
	if (r->notify != 0 && (dsn_notify(words, strlen(words),
	    &again) == -1 || again != r->notify))
		abort();
	if (r->orcpt_len > 0) {
		if (!dsn_orcpt_is(r->orcpt, r->orcpt_len))
			abort();
		dsn_orcpt_show(r->orcpt, r->orcpt_len, &shown);
	}
	for (i = 0; i < shown.len; i++)
		if (shown.data[i] < ' ' || shown.data[i] > '~')
			abort();
	buf_clear(&shown);
}

static void
look(const struct smtp_args *a, const struct smtp_command *c)
{
	static struct smtp_session s;
	struct smtp_params params;
	struct address addr;
	const char *colon;
	size_t used, left;

	s.state = SMTP_HELLO;
	s.service = SERVICE_SUBMISSION;
	if (c != NULL && smtp_command_judge(c, &s, a->words).code == 0 &&
	    a->words < c->min_args)
		abort();
	if ((colon = memchr(a->text, ':', a->len)) == NULL)
		return;
	left = a->len - (size_t)(++colon - a->text);
	if (address_path(&addr, colon, left, &used) != ADDRESS_OK)
		return;
	s.tls[0] = 'T';
	smtpd.conf.message_size = 1000;
	if (smtp_ext_params(&s, 0, colon + used, left - used,
	    &params).code == 0 && (params.size > 1000 ||
	    (params.options.envid[0] != '\0' &&
	    !dsn_envid_is(params.options.envid,
	    strlen(params.options.envid)))))
		abort();
	if (smtp_ext_params(&s, 1, colon + used, left - used,
	    &params).code == 0)
		look_recipient(&params.recipient);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *line = mem_strndup((const char *)data, len), *verb;
	struct smtp_args a;
	size_t n;

	if (smtp_command_split(line, len, &verb, &n, &a) == 0) {
		if (n == 0 || a.text < line || a.text + a.len > line + len)
			abort();
		look(&a, smtp_command_find(verb, n));
	}
	free(line);
	return 0;
}
