#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/link/submit.h"
#include "lib/mail/proto.h"
#include "lib/server/server.h"

enum {
	PEER_WAIT = 10000,	/* ms for a fresh channel after queue's death */
	SEND_WAIT = 10000,
	FILE_WAIT = 30000,
	SUBMIT_WAIT = 120000,	/* a disk may be slow; clients wait 10 min */
	KEEP = 12 * 3600,	/* s: queue sweeps unused files after 36 h */
};

static struct {
	int	 fd;		/* -1: none, or closed */
	char	 id[QUEUE_ID_LEN + 1];
	int64_t	 since;
	uint32_t asked;		/* frame id of a Q_FILE under way; 0: none */
	uint32_t last;		/* frame id given last */
} file = { .fd = -1 };

static uint32_t
next_id(void)
{
	if (++file.last == 0)
		file.last = 1;
	return file.last;
}

/* The channel broke, or the peer did something that it must not. */
static void
queue_lost(const char *why)
{
	if (why != NULL)
		log_warn("queue: %s", why);
	server_peer_lost(PEER_QUEUE);
	fd_close(&file.fd);
	file.asked = 0;
}

/* Takes a file out of FILE_IS or DONE. */
static void
take_file(struct msg *m)
{
	size_t len;
	const char *id = msg_get(m, QF_FILE, &len);

	if (id == NULL || len != QUEUE_ID_LEN || m->frame.nfds == 0)
		return;
	fd_close(&file.fd);
	file.fd = msg_get_fd(m, 0);
	memcpy(file.id, id, len);
	file.id[len] = '\0';
	file.since = clock_now();
}

/*
 * Handles a message that answers the file request under way; 1 if it was one.
 * LATER leaves its words.
 */
static int
file_answer(struct msg *m, struct buf *words)
{
	size_t len;
	const char *p;

	if (file.asked == 0 || m->id != file.asked)
		return 0;
	file.asked = 0;
	if (m->type == Q_FILE_IS) {
		take_file(m);
	} else if (words != NULL) {
		p = msg_get(m, QF_WORDS, &len);
		buf_reset(words);
		if (p != NULL)
			buf_append(words, p, len);
	}
	return 1;
}

static int
send_ask(struct chan *c)
{
	file.asked = next_id();
	msg_begin(c, &proto_queue, Q_FILE, file.asked);
	if (msg_end(c) == 0 && chan_send(c, SEND_WAIT) == 0)
		return 0;
	queue_lost(errno == EPIPE ? NULL : strerror(errno));
	return -1;
}

void
submit_ask(void)
{
	struct chan *c;

	if (file.fd == -1 && file.asked == 0 &&
	    (c = server_peer(PEER_QUEUE, 0)) != NULL)
		(void)send_ask(c);
}

/* Waits for one message; 1, or 0 where queue was lost. */
static int
receive(struct chan *c, struct msg *m, int timeout)
{
	struct buf why = BUF_INIT(500);
	int r;

	r = msg_recv(m, &proto_queue, PEER_QUEUE, c, timeout, &why);
	if (r != 1)
		queue_lost(r == 0 ? NULL : buf_str(&why));
	buf_clear(&why);
	return r == 1;
}

/* One try: asks if that is still to be done, and waits. 1: a file is here. */
static int
try_file(struct buf *words)
{
	struct chan *c;
	struct msg m;

	if ((c = server_peer(PEER_QUEUE, PEER_WAIT)) == NULL)
		return 0;
	if (file.asked == 0 && send_ask(c) == -1)
		return 0;
	while (file.asked != 0) {
		if (!receive(c, &m, FILE_WAIT))
			return 0;
		if (!file_answer(&m, words))
			log_warn("queue: an answer without a request");
		msg_done(&m);
	}
	return file.fd != -1;
}

int
submit_file(const char **id_r, struct buf *words)
{
	int tries;

	buf_reset(words);
	for (tries = 0; file.fd == -1 && tries < 2 && words->len == 0;
	    tries++)
		(void)try_file(words);
	if (file.fd == -1) {
		if (words->len == 0)
			buf_set(words, "4.3.0 the queue is away");
		return -1;
	}
	*id_r = file.id;
	return file.fd;
}

int
submit_close(void)
{
	return fd_close(&file.fd);
}

void
submit_abandon(int broken)
{
	if (file.fd != -1 && !broken && ftruncate(file.fd, 0) == 0 &&
	    lseek(file.fd, 0, SEEK_SET) == 0)
		return;
	if (file.fd != -1 && ftruncate(file.fd, 0) == -1)
		log_warn("%s: %s", file.id, strerror(errno));
	fd_close(&file.fd);
	server_retire();
}

static void
put_text(struct chan *c, uint8_t tag, const char *text)
{
	if (text != NULL && *text != '\0')
		msg_text(c, tag, text);
}

static void
put_u32(struct chan *c, uint8_t tag, uint32_t v)
{
	if (v != 0)
		msg_u32(c, tag, v);
}

/* What is mostly absent. */
static void
put_rest(struct chan *c, const struct submit_envelope *e)
{
	put_text(c, QF_LOGIN, e->login);
	put_text(c, QF_ACCOUNT, e->account);
	put_text(c, QF_UIDL, e->uidl);
	put_text(c, QF_MESSAGE_ID, e->message_id);
	if (e->options != NULL) {
		put_text(c, QF_ENVID, e->options->envid);
		put_u32(c, QF_RET, e->options->ret);
		put_u32(c, QF_BODY, e->options->body);
	}
	if (e->notes != NULL && e->notes->len > 0)
		msg_bytes(c, QF_NOTES, e->notes->data, e->notes->len);
}

static int
send_envelope(struct chan *c, const struct submit_envelope *e,
    const struct submit_written *w, uint32_t id)
{
	msg_begin(c, &proto_queue, Q_SUBMIT, id);
	msg_text(c, QF_FILE, file.id);
	msg_text(c, QF_SENDER, e->sender);
	msg_bytes(c, QF_RECIPIENTS, e->recipients->data, e->recipients->len);
	msg_text(c, QF_CLIENT, e->client);
	put_rest(c, e);
	msg_u64(c, QF_TIME, (uint64_t)clock_now());
	msg_u64(c, QF_LENGTH, w->length);
	msg_u32(c, QF_CRC, w->crc);
	msg_u32(c, QF_FINAL, w->final);
	msg_u32(c, QF_FORWARD, w->forward);
	msg_u32(c, QF_FLAGS, w->flags | (e->options != NULL ?
	    e->options->flags : 0));
	msg_u32(c, QF_ORIGIN, e->origin);
	return msg_end(c) == 0 && chan_send(c, SEND_WAIT) == 0 ? 0 : -1;
}

static enum submit_result
read_answer(struct msg *m, struct buf *words)
{
	const char *p;
	size_t len;

	if (m->type == Q_DONE) {
		take_file(m);
		return SUBMIT_DONE;
	}
	p = msg_get(m, QF_WORDS, &len);
	buf_reset(words);
	if (p != NULL)
		buf_append(words, p, len);
	return m->type == Q_NEVER ? SUBMIT_NEVER : SUBMIT_LATER;
}

enum submit_result
submit_send(const struct submit_envelope *e, const struct submit_written *w,
    struct buf *words)
{
	enum submit_result r;
	uint32_t id = next_id();
	struct chan *c;
	struct msg m;

	/* Queue knows the file by its channel: a new one would not. */
	buf_set(words, "4.3.0 the queue went away");
	if ((c = server_peer(PEER_QUEUE, 0)) == NULL)
		return SUBMIT_LATER;
	if (send_envelope(c, e, w, id) == -1) {
		queue_lost(errno == EPIPE ? NULL : strerror(errno));
		return SUBMIT_LATER;
	}
	for (;;) {
		if (!receive(c, &m, SUBMIT_WAIT))
			return SUBMIT_LATER;
		if (m.id == id)
			break;
		msg_done(&m);
	}
	r = read_answer(&m, words);
	msg_done(&m);
	return r;
}

void
submit_input(enum peer p, struct chan *c)
{
	struct buf why = BUF_INIT(500);
	struct msg m;
	int r;

	if (p != PEER_QUEUE)
		return;
	if (c == NULL) {
		fd_close(&file.fd);
		file.asked = 0;
		return;
	}
	if ((r = chan_read(c)) != 1) {
		if (r == 0 || errno != EAGAIN)
			queue_lost(NULL);
		return;
	}
	while ((r = msg_next(&m, &proto_queue, PEER_QUEUE, c, &why)) == 1) {
		if (!file_answer(&m, NULL))
			log_warn("queue: an answer without a request");
		msg_done(&m);
	}
	if (r == -1)
		queue_lost(buf_str(&why));
	buf_clear(&why);
}

void
submit_idle(void)
{
	if (file.fd != -1 && clock_now() - file.since > KEEP)
		server_retire();
}
