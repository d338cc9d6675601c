#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/link/sign.h"
#include "lib/mail/header.h"
#include "queue/queue.h"
#include "queue/queue_sign.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int fresh = -1;		/* under the lock: a channel to take */
static struct chan chan = { .fd = -1 };	/* the lane's */

void
report_keys_find(struct report_keys *k)
{
	char domain[DOMAIN_MAX + 1];

	k->hostname = queue.hostname;
	k->now = queue_now();
	str_copy(domain, sizeof(domain), queue.hostname);
	str_tolower(domain, strlen(domain));
	tables_refresh(queue.tables);
	if (tables_keys(queue.tables, domain, k->key, &k->n) != LOOKUP_FOUND)
		k->n = 0;
}

void
report_signer(int fd)
{
	pthread_mutex_lock(&lock);
	fd_close(&fresh);
	fresh = fd;
	pthread_mutex_unlock(&lock);
}

/* The channel; a newer one in the place of the one before. */
static int
channel(struct buf *why)
{
	pthread_mutex_lock(&lock);
	if (fresh != -1) {
		if (chan.fd != -1)
			chan_clear(&chan);
		chan_init(&chan, fresh);
		fresh = -1;
	}
	pthread_mutex_unlock(&lock);
	if (chan.fd == -1)
		buf_set(why, "signer is away");
	return chan.fd == -1 ? -1 : 0;
}

static int
sign_one(const struct dkim_message *m, const struct report_keys *k, unsigned i,
    struct buf *out, struct buf *why)
{
	const struct dkim_name n = { .domain = k->hostname,
		.selector = k->key[i].selector,
		.algorithm = k->key[i].algorithm, .time = k->now };
	char address[ADDRESS_MAX + 1];
	unsigned char hash[DKIM_HASH];
	const struct sign_question q = { .address = address,
		.selector = n.selector, .hash = hash, .client = -1 };
	struct signature signature;
	int broken = 0;

	snprintf(address, sizeof(address), "mailer-daemon@%s", k->hostname);
	dkim_hash(m, &n, hash);
	if (channel(why) == -1)
		return -1;
	if (sign_over(&chan, &q, SIGN_WAIT, &signature, &broken, why) !=
	    SIGN_DONE) {
		if (broken)
			chan_clear(&chan);
		return -1;
	}
	buf_puts(out, DKIM_FIELD ": ");
	dkim_value(m, &n, signature.octets, signature.len, out);
	return buf_puts(out, "\r\n");
}

int
report_sign(const struct report_keys *k, struct buf *text, size_t at,
    struct buf *why)
{
	struct buf rest = BUF_INIT(0);
	struct header_counts c;
	struct dkim_message m;
	unsigned i;
	int r;

	if (k->n == 0)
		return 0;
	buf_append(&rest, text->data + at, text->len - at);
	header_count(buf_str(&rest), rest.len, &c);
	dkim_message_init(&m, DKIM_RELAXED, DKIM_RELAXED);
	r = dkim_message_header(&m, NULL, buf_str(&rest), c.len);
	if (r == 0) {
		dkim_message_body(&m, rest.data + c.len, rest.len - c.len);
		dkim_message_end(&m);
	}
	buf_truncate(text, at);
	for (i = 0; r == 0 && i < k->n; i++)
		r = sign_one(&m, k, i, text, why);
	if (r == 0)
		r = buf_append(text, rest.data, rest.len);
	if (r == -1) {
		buf_truncate(text, at);
		(void)buf_append(text, rest.data, rest.len);
	}
	dkim_message_clear(&m);
	buf_clear(&rest);
	return r;
}
