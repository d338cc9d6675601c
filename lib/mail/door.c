/*
 * A call is one sendmsg and, as a rule, one recvmsg: the descriptor is
 * blocking with SO_RCVTIMEO, so that no poll stands before the read. What
 * passes the bound of a frame goes in pieces that the caller does not see.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/door_impl.h"

enum {
	DOOR_TIMEOUT = 120,	/* seconds for one answer (a rebuild may run) */
	EVENTS_MAX = DOOR_MAILBOXES_MAX,
};

/* A copy that was begun gets no answer any more. */
static void
door_later_lost(struct door *d)
{
	struct door_later *c = &d->later;

	if (c->id == 0 || c->answered)
		return;
	c->answered = 1;
	c->error = D_LOST;
	str_copy(c->words, sizeof(c->words), "the store went away");
}

/* The store that it is from knows nothing of it any more, or soon will not. */
static void
door_drop_spare(struct door *d)
{
	if (d->spare_name[0] != '\0')
		fd_close(&d->spare);
	d->spare_name[0] = '\0';
	d->appends = 0;
}

void
door_init(struct door *d, enum peer kind, int fd)
{
	memset(d, 0, sizeof(*d));
	d->kind = kind;
	chan_init(&d->chan, -1);
	door_set(d, fd);
}

void
door_set(struct door *d, int fd)
{
	struct timeval tv = { .tv_sec = DOOR_TIMEOUT };

	chan_clear(&d->chan);
	chan_init(&d->chan, fd);
	door_later_lost(d);
	door_drop_spare(d);
	d->times++;
	d->n_events = 0;
	d->list_changed = 0;
	buf_reset(&d->news);
	if (fd == -1)
		return;
	if (fd_nonblock(fd, 0) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == -1)
		log_warn("door: %s", strerror(errno));
}

void
door_clear(struct door *d)
{
	chan_clear(&d->chan);
	door_drop_spare(d);
	free(d->later.from);
	free(d->later.to);
	memset(&d->later, 0, sizeof(d->later));
	buf_clear(&d->news);
	buf_clear(&d->wide);
	free(d->events);
	d->events = NULL;
	d->n_events = d->cap_events = 0;
}

enum door_error
door_error(const struct door *d)
{
	return d->error;
}

const char *
door_words(const struct door *d)
{
	return d->words;
}

int
door_fail(struct door *d, enum door_error e, const char *words)
{
	d->error = e;
	str_copy(d->words, sizeof(d->words), words);
	return -1;
}

int
door_lost(struct door *d, const char *words)
{
	chan_clear(&d->chan);
	door_later_lost(d);
	return door_fail(d, D_LOST, words);
}

static void
door_keep_event(struct door *d, const struct msg *m)
{
	struct cursor c;
	const char *p;
	uint32_t id;
	size_t len, i;

	if (msg_get_u32(m, DF_ON))
		d->list_changed = 1;
	if (msg_has(m, DF_OWNER)) {
		p = msg_get(m, DF_OWNER, &len);
		if (d->news.len + 4 + len > DOOR_NEWS_MAX)
			door_lost(d, "nobody asks for the news");
		else
			buf_put_lv(&d->news, p, len);
	}
	p = msg_get(m, DF_UIDS, &len);
	cursor_init(&c, p, len);
	while (cursor_left(&c) >= 4) {
		id = cursor_u32(&c);
		for (i = 0; i < d->n_events && d->events[i] != id; i++)
			;
		if (i < d->n_events || i == EVENTS_MAX)
			continue;
		if (d->n_events == d->cap_events) {
			d->cap_events = d->cap_events * 2 + 8;
			d->events = mem_realloc(d->events, d->cap_events,
			    sizeof(*d->events));
		}
		d->events[d->n_events++] = id;
	}
}

static int
names_owner(unsigned type)
{
	const struct msg_field *f = proto_door.desc[type].fields;

	for (; f != NULL && f->name != NULL; f++)
		if (f->tag == DF_OWNER)
			return 1;
	return 0;
}

void
door_begin(struct door *d, unsigned type)
{
	if (++d->next_id == 0)
		d->next_id = 1;
	msg_begin(&d->chan, &proto_door, type, d->next_id);
	if (d->owner != NULL && names_owner(type))
		msg_text(&d->chan, DF_OWNER, d->owner);
}

/* Takes the next message that was read whole: 1, 0 none, -1 lost. */
static int
door_next(struct door *d, struct msg *m)
{
	struct buf why = BUF_INIT(200);
	int r = msg_next(m, &proto_door, PEER_STORE, &d->chan, &why);

	if (r == -1)
		door_lost(d, buf_str(&why));
	buf_clear(&why);
	return r;
}

int
door_send(struct door *d)
{
	if (msg_end(&d->chan) == -1)
		return door_fail(d, D_REFUSED, "a bound was passed");
	if (d->chan.fd == -1)
		return door_lost(d, "no store");
	if (chan_flush(&d->chan) != 1)
		return door_lost(d, "the store does not listen");
	return 0;
}

void
door_get_uids(const struct msg *m, uint8_t tag, uint32_t **list, size_t *n)
{
	struct cursor c;
	const char *p;
	size_t len;

	p = msg_get(m, tag, &len);
	cursor_init(&c, p, len);
	*list = mem_realloc(*list, *n + len / 4 + 1, sizeof(**list));
	while (cursor_left(&c) >= 4)
		(*list)[(*n)++] = cursor_u32(&c);
}

/* The error that an answer tells: -1. */
static int
door_failed(struct door *d, const struct msg *m)
{
	size_t len;
	const char *p = msg_get(m, DF_WORDS, &len);
	int r = (int)msg_get_u32(m, DF_ERROR);

	door_fail(d, r > D_LOST && r <= D_GONE ? (enum door_error)r : D_LATER,
	    "");
	if (len >= sizeof(d->words))
		len = sizeof(d->words) - 1;
	if (len > 0)
		memcpy(d->words, p, len);
	d->words[len] = '\0';
	return -1;
}

/* Takes the answer to a call that was begun, if m is one: 1. */
static int
door_take_later(struct door *d, const struct msg *m)
{
	struct door_later *c = &d->later;
	size_t n_to = 0;

	if (c->id == 0 || c->answered || m->id != c->id)
		return 0;
	c->answered = 1;
	c->error = D_OK;
	if (m->type == DM_COPIED) {
		door_get_uids(m, DF_UIDS, &c->from, &c->n);
		door_get_uids(m, DF_TO_UIDS, &c->to, &n_to);
		c->uidvalidity = msg_get_u32(m, DF_UIDVALIDITY);
		if (n_to == c->n)
			return 1;
		door_fail(d, D_LATER, "the store gave a broken answer");
	} else if (m->type == DM_APPENDED) {
		c->uid = msg_get_u32(m, DF_UID);
		c->uidvalidity = msg_get_u32(m, DF_UIDVALIDITY);
		return 1;
	} else if (m->type == DM_DONE)
		return 1;
	else
		door_failed(d, m);
	c->error = d->error;
	memcpy(c->words, d->words, sizeof(c->words));
	return 1;
}

int
door_call(struct door *d, unsigned want, struct msg *m)
{
	int r;

	if (door_send(d) == -1)
		return -1;
	for (;;) {
		if ((r = door_next(d, m)) == -1)
			return -1;
		if (r == 0) {
			if (chan_read(&d->chan) != 1)
				return door_lost(d, "the store went away");
			continue;
		}
		if (m->type == DM_EVENT)
			door_keep_event(d, m);
		else if (!door_take_later(d, m) && m->id == d->next_id)
			break;
		msg_done(m);
	}
	if (m->type == want)
		return 0;
	if (m->type == DM_FAILED)
		door_failed(d, m);
	else
		door_lost(d, "the store gave the wrong answer");
	msg_done(m);
	return -1;
}

int
door_do(struct door *d)
{
	struct msg m;

	if (door_call(d, DM_DONE, &m) == -1)
		return -1;
	msg_done(&m);
	return 0;
}

/* Reads what is there; 0, or -1 where the store is lost. */
static int
door_pull(struct door *d)
{
	struct pollfd p = { .fd = d->chan.fd, .events = POLLIN };

	if (d->chan.fd == -1)
		return door_lost(d, "no store");
	if (poll(&p, 1, 0) < 1)
		return 0;
	if (chan_read(&d->chan) != 1)
		return door_lost(d, "the store went away");
	return 0;
}

int
door_events(struct door *d, const uint32_t **list_r, size_t *n_r,
    int *list_changed_r)
{
	struct msg m;
	int r;

	if (door_pull(d) == -1)
		return -1;
	while ((r = door_next(d, &m)) == 1) {
		if (m.type == DM_EVENT)
			door_keep_event(d, &m);
		else
			(void)door_take_later(d, &m);
		msg_done(&m);
	}
	if (r == -1)
		return -1;
	*list_r = d->events;
	*n_r = d->n_events;
	*list_changed_r = d->list_changed;
	r = d->n_events > 0 || d->list_changed;
	d->n_events = 0;
	d->list_changed = 0;
	return r;
}

int
door_pending(const struct door *d)
{
	if (d->chan.fd == -1)
		return 0;
	return d->n_events > 0 || d->list_changed || chan_ready(&d->chan);
}
