#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/mail/dsn.h"
#include "lib/mail/mime_encode.h"
#include "relay/relay_data.h"
#include "relay/relay_hurry.h"
#include "relay/relay_transaction.h"

enum { BLOCK = 64 * 1024 };

void
recipient_set(struct relay_recipient *r, enum result result, const char *words)
{
	free(r->words);
	r->words = mem_strdup(words);
	r->result = result;
	r->settled = result != RESULT_LATER;
}

/* The recipients of this transaction that the server has not refused. */
struct transaction {
	struct relay_client *c;
	const struct relay_message *m;
	struct relay_recipient *to;
	size_t	 n, accepted;
	unsigned char *state;		/* of each recipient: enum rcpt */
	int	 refused;		/* MAIL was */
};

enum rcpt { RCPT_DONE, RCPT_ASKED, RCPT_ACCEPTED };

/* Gives all recipients in that state the result in the client's words. */
static void
set_all(struct transaction *t, enum rcpt state, enum result result)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (t->state[i] != state)
			continue;
		recipient_set(&t->to[i], result, buf_str(&t->c->words));
		t->to[i].passed = result == RESULT_DELIVERED &&
		    (t->c->features & CLIENT_DSN);
	}
}

/* The connection failed: whoever has no answer hears so. */
static enum result
transaction_lost(struct transaction *t)
{
	/* The answer to MAIL was everybody's. */
	if (t->refused)
		return RESULT_LATER;
	set_all(t, RCPT_ASKED, RESULT_LATER);
	set_all(t, RCPT_ACCEPTED, RESULT_LATER);
	return RESULT_LATER;
}

static void
put_mail(struct transaction *t)
{
	struct relay_client *c = t->c;

	if (c->dirty)
		stream_puts(&c->stream, "RSET\r\n");
	stream_printf(&c->stream, "MAIL FROM:<%s>", t->m->sender);
	if (c->features & CLIENT_SIZE)
		stream_printf(&c->stream, " SIZE=%" PRIu64,
		    t->m->length - t->m->offset);
	if (c->features & CLIENT_8BITMIME && t->m->eight_bit)
		stream_puts(&c->stream, " BODY=8BITMIME");
	if (c->features & CLIENT_DSN && dsn_ret_word(t->m->ret) != NULL)
		stream_printf(&c->stream, " RET=%s", dsn_ret_word(t->m->ret));
	if (c->features & CLIENT_DSN && t->m->envid != NULL)
		stream_printf(&c->stream, " ENVID=%s", t->m->envid);
	stream_puts(&c->stream, "\r\n");
}

static enum result
get_mail(struct transaction *t)
{
	struct relay_client *c = t->c;
	enum result r;

	if (c->dirty) {
		r = client_reply(c, c->times->command);
		if (r != RESULT_DELIVERED)
			return transaction_lost(t);
		if (reply_class(&c->reply) != 2) {
			client_fail(c, "4.5.0", "refused RSET");
			return transaction_lost(t);
		}
	}
	c->dirty = 1;
	if (client_reply(c, c->times->command) != RESULT_DELIVERED)
		return transaction_lost(t);
	if (reply_class(&c->reply) == 2)
		return RESULT_DELIVERED;
	t->refused = 1;
	r = client_refused(c);
	set_all(t, RCPT_ASKED, r);
	return RESULT_DELIVERED;
}

static void
put_rcpt(struct transaction *t, size_t i)
{
	struct stream *s = &t->c->stream;
	const struct relay_recipient *to = &t->to[i];
	char words[DSN_NOTIFY_MAX];

	stream_printf(s, "RCPT TO:<%s>", to->address);
	if (t->c->features & CLIENT_DSN && to->notify != 0)
		stream_printf(s, " NOTIFY=%s", dsn_notify_words(to->notify,
		    words));
	if (t->c->features & CLIENT_DSN && to->orcpt != NULL)
		stream_printf(s, " ORCPT=%s", to->orcpt);
	stream_puts(s, "\r\n");
}

/*
 * RFC 5321 4.5.3.1.10: a 552 for too many recipients "SHOULD be treated as a
 * temporary failure"; a full mailbox says 5.2.2 with it and is permanent, as
 * is what is said of a connection's first one: that is never too many.
 */
static int
too_many(const struct transaction *t)
{
	const struct relay_client *c = t->c;

	return c->reply.code == 552 &&
	    (t->accepted > 0 || c->messages > 1) &&
	    (strncmp(buf_str(&c->words), "5.5.3", 5) == 0 ||
	    strncmp(buf_str(&c->words), "5.0.0", 5) == 0);
}

static enum result
get_rcpt(struct transaction *t, size_t i)
{
	struct relay_client *c = t->c;
	enum result r;

	if (client_reply(c, c->times->command) != RESULT_DELIVERED)
		return transaction_lost(t);
	if (t->refused)
		return RESULT_DELIVERED;
	if (reply_class(&c->reply) == 2) {
		t->state[i] = RCPT_ACCEPTED;
		t->accepted++;
		return RESULT_DELIVERED;
	}
	r = client_refused(c);
	if (too_many(t)) {
		r = RESULT_LATER;
		c->words.data[0] = '4';
	}
	recipient_set(&t->to[i], r, buf_str(&c->words));
	t->state[i] = RCPT_DONE;
	return RESULT_DELIVERED;
}

/* All in one write; the replies follow in the same order. */
static enum result
envelope_pipelined(struct transaction *t)
{
	size_t i;

	put_mail(t);
	for (i = 0; i < t->n; i++)
		if (t->state[i] == RCPT_ASKED)
			put_rcpt(t, i);
	stream_puts(&t->c->stream, "DATA\r\n");
	if (get_mail(t) != RESULT_DELIVERED)
		return RESULT_LATER;
	for (i = 0; i < t->n; i++)
		if (t->state[i] == RCPT_ASKED &&
		    get_rcpt(t, i) != RESULT_DELIVERED)
			return RESULT_LATER;
	if (client_reply(t->c, t->c->times->data) != RESULT_DELIVERED)
		return transaction_lost(t);
	return RESULT_DELIVERED;
}

static enum result
envelope_stepwise(struct transaction *t)
{
	size_t i;

	if (t->c->dirty && client_command(t->c, t->c->times->command,
	    "RSET") != RESULT_DELIVERED)
		return transaction_lost(t);
	t->c->dirty = 0;
	put_mail(t);
	if (get_mail(t) != RESULT_DELIVERED)
		return RESULT_LATER;
	for (i = 0; i < t->n && !t->refused && !t->c->dead; i++) {
		if (t->state[i] != RCPT_ASKED)
			continue;
		put_rcpt(t, i);
		if (get_rcpt(t, i) != RESULT_DELIVERED)
			return RESULT_LATER;
	}
	if (t->c->dead)
		return transaction_lost(t);
	if (t->accepted > 0 && client_command(t->c, t->c->times->data,
	    "DATA") != RESULT_DELIVERED)
		return transaction_lost(t);
	return RESULT_DELIVERED;
}

static void
body_out(void *arg, const char *p, size_t len)
{
	stream_write(arg, p, len);
}

/* True where it goes out in pieces, and the server may speak meanwhile. */
static int
in_blocks(const struct relay_message *m)
{
	return m->data == NULL || m->length > BODY_MEMORY_MAX;
}

/*
 * Sends the data up to, without, the final dot; less, and *whole_r is 0, where
 * the server speaks meanwhile or something could not be written. -1: the file
 * could not be read; the connection must then be cut: what went out is not the
 * message.
 */
static int
body_put(struct relay_client *c, const struct relay_message *m, struct data *d,
    int *whole_r)
{
	uint64_t at = m->offset, n;
	char *block;
	int r = 0;

	*whole_r = 1;
	client_deadline(c, c->times->block);
	if (!in_blocks(m)) {
		data_put(d, m->data + at, m->length - at);
		return 0;
	}
	block = m->data == NULL ? mem_alloc(BLOCK) : NULL;
	while (at < m->length && c->stream.end == STREAM_OK &&
	    !stream_readable(&c->stream)) {
		n = m->length - at < BLOCK ? m->length - at : BLOCK;
		if (block != NULL && (r = fd_pread_all(m->fd, block, n,
		    (off_t)at)) == -1)
			break;
		client_deadline(c, c->times->block);
		data_put(d, block != NULL ? block : m->data + at, n);
		at += n;
	}
	free(block);
	*whole_r = at == m->length && c->stream.end == STREAM_OK;
	return r;
}

/*
 * Where the connection ends before the reply to the dot nobody knows whether
 * the message was taken: another host would make two of it, so it waits.
 */
static enum result
body_settle(struct transaction *t)
{
	struct relay_client *c = t->c;
	enum result r;

	hurry_settle();
	if (client_verdict(c) != RESULT_DELIVERED) {
		transaction_lost(t);
		return RESULT_NEVER;
	}
	if (reply_class(&c->reply) == 2) {
		c->dirty = 0;
		c->took = 1;
		buf_reset(&c->words);
		reply_words(&c->reply, c->label, &c->words);
		r = RESULT_DELIVERED;
	} else
		r = client_refused(c);
	set_all(t, RCPT_ACCEPTED, r);
	return RESULT_DELIVERED;
}

static enum result
body_send(struct transaction *t)
{
	struct relay_client *c = t->c;
	struct data d = { .out = body_out, .arg = &c->stream };
	int early, whole;

	if (stream_has_input(&c->stream)) {
		client_fail(c, "4.5.0", "answered before it had the message");
		return transaction_lost(t);
	}
	if (body_put(c, t->m, &d, &whole) == -1) {
		client_fail(c, "4.3.0", "was cut off: the file is not "
		    "readable: %m");
		transaction_lost(t);
		return RESULT_NEVER;
	}
	/* Where it closed the connection it may have said why before. */
	early = in_blocks(t->m) && ((c->stream.end != STREAM_OK &&
	    !stream_hear(&c->stream)) || stream_readable(&c->stream));
	if (early) {
		/* A refusal is a refusal; anything else makes no sense. */
		if (client_reply(c, c->times->command) == RESULT_DELIVERED)
			set_all(t, RCPT_ACCEPTED, client_refused(c));
		else
			transaction_lost(t);
		c->dead = 1;
		return RESULT_LATER;
	}
	if (!whole) {
		/* No dot behind a part of it: that would be a message. */
		client_fail(c, "4.4.2", "took not all of the message");
		transaction_lost(t);
		return RESULT_LATER;
	}
	data_end(&d);
	return body_settle(t);
}

/* 354 came though nobody is left to send to: end the empty message. */
static enum result
body_none(struct relay_client *c)
{
	stream_puts(&c->stream, ".\r\n");
	if (client_reply(c, c->times->dot) != RESULT_DELIVERED)
		return RESULT_LATER;
	return RESULT_DELIVERED;
}

static enum result
transaction_data(struct transaction *t)
{
	struct relay_client *c = t->c;
	int go = c->reply.code == 354;

	if (t->accepted == 0) {
		if (go && body_none(c) != RESULT_DELIVERED)
			c->dead = 1;
		return RESULT_DELIVERED;
	}
	if (!go) {
		set_all(t, RCPT_ACCEPTED, client_refused(c));
		return RESULT_DELIVERED;
	}
	return body_send(t);
}

static enum result
transaction_too_big(struct transaction *t)
{
	struct relay_client *c = t->c;

	buf_set(&c->words, "5.3.4 %s takes messages up to %" PRIu64
	    " octets, this one has %" PRIu64, c->label, c->size_max,
	    t->m->length - t->m->offset);
	set_all(t, RCPT_ASKED, RESULT_NEVER);
	return RESULT_DELIVERED;
}

/*
 * Makes of the message one whose body is in 7 bits, in data; header fields
 * stay as they are. Where that cannot be the words say so, and all have their
 * result.
 */
static enum result
transaction_seven(struct transaction *t, struct relay_message *m,
    struct buf *data)
{
	size_t len = m->length - m->offset;
	char *file = NULL;
	const char *p = m->data, *why;
	enum result r = RESULT_DELIVERED;

	if (p != NULL)
		p += m->offset;
	else
		p = file = mem_alloc(len);
	if (file != NULL &&
	    fd_pread_all(m->fd, file, len, (off_t)m->offset) == -1) {
		r = RESULT_LATER;
		buf_set(&t->c->words, "4.3.0 the file cannot be read: %m");
	} else if (seven_put(p, len, data, &why) == -1) {
		r = RESULT_NEVER;
		buf_set(&t->c->words, "5.6.3 %s does not offer 8BITMIME, and "
		    "the message has 8-bit octets in %s", t->c->label, why);
	}
	free(file);
	if (r != RESULT_DELIVERED)
		set_all(t, RCPT_ASKED, r);
	m->data = data->data;
	m->length = data->len;
	m->offset = 0;
	return r;
}

static enum result
transaction_send(struct transaction *t)
{
	struct relay_client *c = t->c;
	uint64_t octets = t->m->length - t->m->offset;
	enum result r;

	client_restart_clock(c, octets);
	if (c->size_max != 0 && octets > c->size_max)
		return transaction_too_big(t);
	if (stream_has_input(&c->stream)) {
		client_fail(c, "4.5.0", "answered what was not asked");
		return transaction_lost(t);
	}
	r = c->features & CLIENT_PIPELINING ? envelope_pipelined(t) :
	    envelope_stepwise(t);
	if (r == RESULT_DELIVERED && !(t->accepted == 0 &&
	    !(c->features & CLIENT_PIPELINING)))
		r = transaction_data(t);
	return r;
}

enum result
transaction_run(struct relay_client *c, const struct relay_message *m,
    struct relay_recipient *to, size_t n)
{
	struct transaction t = { .c = c, .m = m, .to = to, .n = n };
	struct relay_message seven = *m;
	struct buf data = BUF_INIT(0);
	enum result r = RESULT_DELIVERED;
	size_t i;

	t.state = mem_zalloc(n, 1);
	for (i = 0; i < n; i++)
		t.state[i] = to[i].settled ? RCPT_DONE : RCPT_ASKED;
	c->messages++;
	c->took = 0;
	if (m->eight_bit && !(c->features & CLIENT_8BITMIME)) {
		t.m = &seven;
		r = transaction_seven(&t, &seven, &data);
	}
	/* Another host would hear the same of the same file. */
	if (r == RESULT_DELIVERED)
		r = transaction_send(&t);
	else
		r = r == RESULT_NEVER ? RESULT_DELIVERED : RESULT_NEVER;
	buf_clear(&data);
	free(t.state);
	return r;
}
