#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/result.h"
#include "relay/fetch.h"

enum { SEND_MS = 60 * 1000, WAIT_MS = 5 * 60 * 1000,
	LAST_MS = 5000 };

static int
gone(struct fetch *f, const char *why)
{
	if (!f->gone)
		log_warn("collect: %s", why);
	f->gone = 1;
	return -1;
}

static int
send_it(struct fetch *f)
{
	if (f->gone)
		return -1;
	if (msg_end(f->ctl) == -1 || chan_send(f->ctl, SEND_MS) == -1)
		return gone(f, strerror(errno));
	return 0;
}

static void
begin(struct fetch *f, enum cl_type type, uint32_t id)
{
	msg_begin(f->ctl, &proto_collect, type, id);
}

static struct fetch_slot *
slot_of(struct fetch *f, uint32_t number)
{
	size_t i;

	for (i = 0; i < CL_WINDOW; i++)
		if (f->slot[i].number == number)
			return &f->slot[i];
	return NULL;
}

static void
slot_free(struct fetch_slot *s)
{
	fd_close(&s->fd);
	memset(s, 0, sizeof(*s));
	s->fd = -1;
}

unsigned
talk_open(const struct fetch *f)
{
	unsigned i, n = 0;

	for (i = 0; i < CL_WINDOW; i++)
		n += f->slot[i].number != 0;
	return n;
}

unsigned
talk_sent(const struct fetch *f)
{
	unsigned i, n = 0;

	for (i = 0; i < CL_WINDOW; i++)
		n += f->slot[i].number != 0 && f->slot[i].sent;
	return n;
}

/* Appends packed u32. */
static void
take_numbers(struct fetch_want *w, const struct msg *m, uint8_t tag)
{
	struct cursor c;
	const char *p;
	size_t len, i;

	p = msg_get(m, tag, &len);
	w->v = mem_realloc(w->v, w->n + len / 4 + 1, sizeof(*w->v));
	cursor_init(&c, p, len);
	for (i = len / 4; i > 0; i--)
		w->v[w->n++] = cursor_u32(&c);
}

static void
add_number(struct fetch_want *w, uint32_t number)
{
	w->v = mem_realloc(w->v, w->n + 1, sizeof(*w->v));
	w->v[w->n++] = number;
}

static int
take_file(struct fetch *f, struct msg *m)
{
	struct fetch_slot *s = m->id != 0 ? slot_of(f, m->id) : NULL;
	char *name;

	if (s == NULL || s->here)
		return gone(f, "a file that was not asked for");
	name = msg_get_dup(m, CLF_FILE);
	str_copy(s->file, sizeof(s->file), name);
	free(name);
	s->fd = msg_get_fd(m, 0);
	s->here = 1;
	return 0;
}

static int
take_done(struct fetch *f, struct msg *m)
{
	struct fetch_slot *s = m->id != 0 ? slot_of(f, m->id) : NULL;

	if (s == NULL)
		return gone(f, "a word of a message that was not sent");
	slot_free(s);
	if (m->type == CL_LATER)
		f->later = 1;
	else if (msg_get_u32(m, CLF_REMOVE) == 1)
		add_number(&f->removed, m->id);
	return 0;
}

static int
take(struct fetch *f, struct msg *m)
{
	switch (m->type) {
	case CL_MORE:
		f->more = 1;
		return 0;
	case CL_WANT:
		take_numbers(&f->want, m, CLF_NUMBERS);
		take_numbers(&f->removed, m, CLF_REMOVED);
		f->wanted = 1;
		return 0;
	case CL_FILE_IS:
		return take_file(f, m);
	case CL_LATER:
		if (m->id == 0) {
			f->later = 1;
			return 0;
		}
		return take_done(f, m);
	case CL_DONE:
		return take_done(f, m);
	case CL_STOP:
		f->stop = 1;
		return 0;
	default:
		return gone(f, "a message that does not belong here");
	}
}

/* What was read already. */
static int
take_all(struct fetch *f)
{
	struct buf why = BUF_INIT(FETCH_WORDS_MAX);
	struct msg m;
	int r = 0;

	while (!f->gone && (r = msg_next(&m, &proto_collect, PEER_COLLECT,
	    f->ctl, &why)) == 1) {
		(void)take(f, &m);
		msg_done(&m);
	}
	if (r == -1)
		(void)gone(f, buf_str(&why));
	buf_clear(&why);
	return f->gone ? -1 : 0;
}

/* Waits at most ms for something, and takes it in. */
static int
hear(struct fetch *f, int ms)
{
	struct pollfd p = { .fd = f->ctl->fd, .events = POLLIN };
	int n;

	if (take_all(f) == -1)
		return -1;
	n = poll(&p, 1, ms);
	if (n == 0 || (n == -1 && errno == EINTR))
		return 0;
	if (n == -1 || (n = chan_read(f->ctl)) != 1)
		return n == -1 && (errno == EAGAIN || errno == EINTR) ? 0 :
		    gone(f, "it is gone");
	return take_all(f);
}

int
talk_hear(struct fetch *f)
{
	return f->gone ? -1 : hear(f, 0);
}

static int
send_list(struct fetch *f, int last)
{
	begin(f, CL_LIST, 0);
	msg_bytes(f->ctl, CLF_ITEMS, f->items.data, f->items.len);
	if (last)
		msg_u32(f->ctl, CLF_LAST, 1);
	buf_reset(&f->items);
	f->n_items = 0;
	return send_it(f);
}

static int
wait_for(struct fetch *f, const int *what)
{
	while (!f->gone && !*what)
		(void)hear(f, WAIT_MS);
	return f->gone ? -1 : 0;
}

int
talk_item(struct fetch *f, const struct cl_item *i)
{
	if (f->gone || f->n_listed == CL_LIST_MAX)
		return f->gone ? -1 : 0;
	if (f->n_items == CL_SLICE) {
		f->more = 0;
		if (send_list(f, 0) == -1 || wait_for(f, &f->more) == -1)
			return -1;
	}
	if (cl_put_item(&f->items, i) == 0) {
		f->n_items++;
		f->n_listed++;
	}
	return 0;
}

int
talk_listed(struct fetch *f)
{
	if (f->gone || send_list(f, 1) == -1)
		return -1;
	return wait_for(f, &f->wanted);
}

int
talk_file(struct fetch *f, uint32_t number)
{
	struct fetch_slot *s = slot_of(f, 0);

	if (s == NULL || f->gone)
		return gone(f, "too much is under way");
	s->number = number;
	s->fd = -1;
	s->here = 0;
	begin(f, CL_FILE, number);
	return send_it(f);
}

struct fetch_slot *
talk_wait(struct fetch *f, uint32_t number)
{
	struct fetch_slot *s;

	while (!f->gone && !f->later && (s = slot_of(f, number)) != NULL) {
		if (s->here)
			return s;
		(void)hear(f, WAIT_MS);
	}
	return NULL;
}

int
talk_room(struct fetch *f)
{
	while (!f->gone && talk_open(f) == CL_WINDOW && talk_sent(f) > 0)
		(void)hear(f, WAIT_MS);
	return f->gone ? -1 : 0;
}

int
talk_answered(struct fetch *f)
{
	while (!f->gone && talk_sent(f) > 0)
		(void)hear(f, WAIT_MS);
	return f->gone ? -1 : 0;
}

int
talk_left(struct fetch *f, uint32_t number, struct fetch_slot *s,
    enum cl_left reason, const char *words)
{
	if (s != NULL)
		slot_free(s);
	begin(f, CL_LEFT, number);
	msg_u32(f->ctl, CLF_REASON, reason);
	msg_words(f->ctl, CLF_WORDS, words, RESULT_WORDS_MAX);
	return send_it(f);
}

int
talk_submit(struct fetch *f, struct fetch_slot *s, const struct fetch_file *m)
{
	struct chan *c = f->ctl;

	if (fd_close(&s->fd) == -1)
		return gone(f, strerror(errno));
	s->sent = 1;
	begin(f, CL_SUBMIT, s->number);
	msg_text(c, CLF_FILE, s->file);
	if (m->has_sender)
		msg_text(c, CLF_SENDER, m->sender);
	if (m->recipients.len > 0)
		msg_bytes(c, CLF_RECIPIENTS, m->recipients.data,
		    m->recipients.len);
	msg_u64(c, CLF_LENGTH, m->length);
	msg_u32(c, CLF_CRC, m->crc);
	msg_u32(c, CLF_FINAL, m->final);
	msg_u32(c, CLF_FORWARD, m->forward);
	msg_u32(c, CLF_FLAGS, m->eight_bit ? CL_8BIT : 0);
	if (m->message_id[0] != '\0')
		msg_text(c, CLF_MESSAGE_ID, m->message_id);
	return send_it(f);
}

int
talk_idle(struct fetch *f)
{
	begin(f, CL_IDLE, 0);
	return send_it(f);
}

/* Is a file on its way? */
static int
is_awaited(const struct fetch *f)
{
	size_t i;

	for (i = 0; i < CL_WINDOW; i++)
		if (f->slot[i].number != 0 && !f->slot[i].here)
			return 1;
	return 0;
}

/* What is on its way comes first: collect does not write to nobody. */
void
talk_end(struct fetch *f)
{
	int64_t end = clock_mono_ms() + LAST_MS;

	while (!f->gone && is_awaited(f) && clock_mono_ms() < end)
		(void)hear(f, LAST_MS);
	begin(f, CL_END, 0);
	msg_u32(f->ctl, CLF_STATUS, f->status);
	msg_words(f->ctl, CLF_WORDS, buf_str(&f->words), RESULT_WORDS_MAX);
	if (f->delay > 0)
		msg_u32(f->ctl, CLF_DELAY, f->delay);
	(void)send_it(f);
}

void
talk_again(struct fetch *f)
{
	f->want.n = f->removed.n = 0;
	f->more = f->wanted = 0;
	f->n_listed = f->n_items = 0;
	buf_reset(&f->items);
}

void
talk_clear(struct fetch *f)
{
	size_t i;

	for (i = 0; i < CL_WINDOW; i++)
		slot_free(&f->slot[i]);
	free(f->want.v);
	free(f->removed.v);
	f->want = f->removed = (struct fetch_want){ NULL, 0 };
	buf_clear(&f->items);
}
