#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#include "imapd/imapd_commands.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_engine.h"
#include "imapd/imapd_events.h"
#include "imapd/imapd_loop.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_reply.h"
#include "imapd/imapd_session.h"
#include "imapd/imapd_undo.h"

enum {
	SWEEP = 30,			/* seconds between looks at the time */
	NEWS_ROUNDS = 8,
};

static struct imapd_session *sessions;
static struct ev_loop *loop;
static ev_idle running;			/* some session has a step to do */
static ev_prepare before_sleep;
static ev_timer sweeper;
static ev_io door_watch;

static void	session_work(struct imapd_session *);

static unsigned
session_count(void)
{
	const struct imapd_session *s;
	unsigned n = 0;

	for (s = sessions; s != NULL; s = s->next)
		n++;
	return n;
}

static void
session_free(struct imapd_session *s)
{
	struct imapd_session **p = &sessions;

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	ev_io_stop(loop, &s->reading);
	ev_io_stop(loop, &s->writing);
	imapd_later_end(s);
	imapd_divert_end(s);
	if (s->view != NULL)
		imapd_view_close(s);
	imapd_input_clear(&s->in);
	buf_clear(&s->out);
	buf_clear(&s->tail);
	imapd_zip_free(&s->zip);
	fd_close(&s->fd);
	log_debug("%s left", s->remote);
	server_session_ended(s->id);
	free(s);
	server_sessions(session_count());
}

/* A step of the command under way, or of the news before its reply. */
static void
session_step(struct imapd_session *s)
{
	if (s->tail.len > 0)
		(void)imapd_reply_more(s);
	else if (s->more(s) == IMAPD_DONE)
		imapd_later_end(s);
	if (s->bye != NULL && !imapd_session_busy(s)) {
		imapd_put_bye(s, s->bye);
		s->bye = NULL;
	}
}

/*
 * What a session in IDLE is told: a piece of the news, when all before it is
 * out, so that who does not read is told no more. 1: it was all, or there was
 * nothing.
 */
static int
session_news(struct imapd_session *s)
{
	if (!s->idle || s->view == NULL || s->closing ||
	    !imapd_view_news(s->view))
		return 1;
	return imapd_flush(s) == 1 && imapd_view_sync(s, 1);
}

/*
 * Inflates the next octets of those that were received. 1: there may be a
 * command; 0: more must be received.
 */
static int
session_inflate(struct imapd_session *s)
{
	char *p;
	ssize_t n = -1;

	if (s->zip == NULL || !imapd_zip_waits(s->zip))
		return 0;
	if ((p = imapd_input_room(&s->in)) != NULL)
		n = imapd_zip_inflate(s->zip, p, IMAPD_READ_SIZE);
	if (n == -1)
		imapd_session_bye(s, p == NULL ? "Too much input" :
		    "That is no DEFLATE");
	else
		imapd_input_got(&s->in, (size_t)n);
	return n > 0;
}

/*
 * Runs what can be run: until input is missing, the client does not read, or
 * a command wants to go on later. Returns 1 where it ended because the client
 * does not read: there is more to run as soon as all is out.
 */
static int
session_run(struct imapd_session *s)
{
	int64_t start = s->zip != NULL ? clock_mono_ms() : 0;

	s->ready = 0;
	for (;;) {
		if (s->dead)
			return 0;
		if (s->out.len - s->out_done >= IMAPD_OUT_HIGH &&
		    imapd_flush(s) != 1)
			return 1;
		if (imapd_session_busy(s)) {
			session_step(s);
			if (imapd_session_busy(s))
				break;
		} else if (!session_news(s))
			break;
		else if (s->closing)
			return 0;
		else if (imapd_engine_step(s))
			continue;
		else if (!session_inflate(s))
			return 0;
		else if (clock_mono_ms() - start >= IMAPD_SLICE_MS)
			break;
	}
	s->ready = imapd_flush(s) == 1 && !s->waiting;
	return !s->ready && !s->waiting;
}

/* Sets the watchers to what the session waits for. */
static void
session_watch(struct imapd_session *s)
{
	int pending = imapd_session_pending(s);
	int inflates = s->zip != NULL && imapd_zip_waits(s->zip);

	if (pending)
		ev_io_start(loop, &s->writing);
	else
		ev_io_stop(loop, &s->writing);
	if (pending || inflates || imapd_session_busy(s) || s->closing)
		ev_io_stop(loop, &s->reading);
	else
		ev_io_start(loop, &s->reading);
	if (s->ready)
		ev_idle_start(loop, &running);
	if (!pending && !imapd_session_busy(s)) {
		if (s->out.cap > 0)
			buf_clear(&s->out);
		imapd_input_rest(&s->in);
		if (s->zip != NULL)
			imapd_zip_rest(s->zip);
	}
}

static void
session_work(struct imapd_session *s)
{
	int slow, out;

	/* A client that read in the meantime makes no event: go on at once. */
	do {
		slow = session_run(s);
		out = !s->dead && imapd_flush(s) == 1;
	} while (slow && out);
	if (out && s->closing && !imapd_session_busy(s))
		s->dead = 1;
	if (s->dead)
		session_free(s);
	else
		session_watch(s);
}

static void
on_readable(struct ev_loop *l, ev_io *w, int events)
{
	static char zipped[IMAPD_READ_SIZE];
	struct imapd_session *s = w->data;
	char *p = s->zip != NULL ? zipped : imapd_input_room(&s->in);
	ssize_t n;

	if (p == NULL) {
		log_warn("the input of %s is full", s->remote);
		imapd_session_bye(s, "Too much input");
		session_work(s);
		return;
	}
	n = read(s->fd, p, IMAPD_READ_SIZE);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		session_free(s);
		return;
	}
	s->active = clock_mono_ms();
	if (s->zip != NULL)
		imapd_zip_got(s->zip, zipped, (size_t)n);
	else
		imapd_input_got(&s->in, (size_t)n);
	session_work(s);
}

static void
on_writable(struct ev_loop *l, ev_io *w, int events)
{
	struct imapd_session *s = w->data;

	if (imapd_flush(s) == 0)
		return;
	session_work(s);
}

/*
 * Has the client of a long command left? Its last octet (POLLRDHUP) may be
 * just that, with answers to come: where nothing has gone out for a while
 * either, nobody waits for them. What changes mail goes on to its end and its
 * answer. While input is not read no event tells.
 */
static int
session_left(const struct imapd_session *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLRDHUP };
	int reads = s->cmd != NULL && (s->cmd->flags & IMAPD_READS);

	if (poll(&p, 1, 0) < 1)
		return 0;
	return (p.revents & (POLLHUP | POLLERR)) != 0 ||
	    (reads && clock_mono_ms() - s->active >= IMAPD_LEFT_MS);
}

/* Each session that is ready takes one step; then events come first again. */
static void
on_idle(struct ev_loop *l, ev_idle *w, int events)
{
	struct imapd_session *s, *next;

	ev_idle_stop(l, w);
	for (s = sessions; s != NULL; s = next) {
		next = s->next;
		if (s->ready && session_left(s))
			session_free(s);
		else if (s->ready)
			session_work(s);
	}
}

/* Tells idle sessions what changed. */
static void
loop_news(void)
{
	struct imapd_session *s, *next;

	imapd_box_news = 0;
	for (s = sessions; s != NULL; s = next) {
		next = s->next;
		if (s->view == NULL || s->closing)
			continue;
		if (s->view->box->gone && !imapd_session_busy(s))
			imapd_session_bye(s, "The mailbox is gone");
		else if (!s->idle)
			continue;
		session_work(s);
	}
}

/* Those who wait for a copy go on when there is an answer, or none to come. */
static void
loop_wake(void)
{
	struct imapd_session *s;

	if (door_busy(&imapd_door) && !door_answered(&imapd_door))
		return;
	for (s = sessions; s != NULL; s = s->next)
		if (s->waiting) {
			s->waiting = 0;
			s->ready = 1;
			ev_idle_start(loop, &running);
		}
}

/*
 * Before the process sleeps: what a command of one session changed, or what
 * store said while it was asked for something else, is told to the others.
 * The calls that this takes may bring more of it, so look until nothing is
 * left; but after some rounds others come first.
 */
static void
on_prepare(struct ev_loop *l, ev_prepare *w, int events)
{
	int i;

	for (i = 0; imapd_box_news || door_pending(&imapd_door); i++) {
		if (i == NEWS_ROUNDS) {
			ev_idle_start(l, &running);
			break;
		}
		if (door_pending(&imapd_door))
			imapd_events();
		if (imapd_box_news)
			loop_news();
	}
	loop_wake();
}

static void
session_look(struct imapd_session *s, int64_t now)
{
	int64_t quiet = now - s->active;
	int busy = imapd_session_pending(s) || s->divert != NULL ||
	    (!s->idle && imapd_input_partial(&s->in));

	if (busy && quiet >= IMAPD_STALL_MS) {
		log_info("%s: no progress for %lld s, closed", s->remote,
		    (long long)quiet / 1000);
		s->dead = 1;
	} else if (s->idle && now - s->told >=
	    (int64_t)imapd_conf.keepalive * 1000)
		buf_puts(&s->out, "* OK Still here\r\n");
	else if (!s->idle && !imapd_session_busy(s) && quiet >=
	    (int64_t)imapd_conf.idle_timeout * 1000)
		imapd_session_bye(s, "Idle for too long");
	else
		return;
	session_work(s);
}

static void
on_sweep(struct ev_loop *l, ev_timer *w, int events)
{
	struct imapd_session *s, *next;
	int64_t now = clock_mono_ms();

	imapd_events();
	for (s = sessions; s != NULL; s = next) {
		next = s->next;
		session_look(s, now);
	}
	if (sessions == NULL)
		ev_timer_stop(l, w);
}

/* Changes come by the door; also its end, until master brings a new one. */
static void
on_door(struct ev_loop *l, ev_io *w, int events)
{
	imapd_events();
	if (imapd_door.chan.fd == -1)
		ev_io_stop(l, w);
}

static void
loop_init(struct ev_loop *l)
{
	if (loop != NULL)
		return;
	loop = l;
	ev_idle_init(&running, on_idle);
	ev_prepare_init(&before_sleep, on_prepare);
	ev_prepare_start(loop, &before_sleep);
	ev_timer_init(&sweeper, on_sweep, 0., SWEEP);
	ev_io_init(&door_watch, on_door, -1, EV_READ);
}

void
imapd_loop_wired(struct ev_loop *l, const struct wire *w)
{
	int fd = w->fd;

	loop_init(l);
	if (w->peer != PEER_STORE) {
		fd_close(&fd);
		return;
	}
	ev_io_stop(loop, &door_watch);
	door_set(&imapd_door, fd);
	imapd_names_drop();
	imapd_box_rewire();
	imapd_undo_retry();
	if (imapd_door.chan.fd == -1)
		return;
	ev_io_set(&door_watch, fd, EV_READ);
	ev_io_start(loop, &door_watch);
}

void
imapd_loop_session(struct ev_loop *l, const struct session *from)
{
	struct imapd_session *s = mem_zalloc(1, sizeof(*s));

	loop_init(l);
	s->fd = from->fd;
	s->id = from->id;
	str_copy(s->remote, sizeof(s->remote), from->remote);
	imapd_input_init(&s->in);
	ev_io_init(&s->reading, on_readable, s->fd, EV_READ);
	ev_io_init(&s->writing, on_writable, s->fd, EV_WRITE);
	s->reading.data = s->writing.data = s;
	s->active = s->told = clock_mono_ms();
	s->next = sessions;
	sessions = s;
	server_sessions(session_count());
	ev_io_start(loop, &s->reading);
	if (!ev_is_active(&sweeper))
		ev_timer_again(loop, &sweeper);
	log_debug("%s came", s->remote);
}

/* BYE is heard by who is in no command, and reads. */
void
imapd_loop_kick(struct ev_loop *l, uint32_t id)
{
	struct imapd_session *s, *next;

	for (s = sessions; s != NULL; s = next) {
		next = s->next;
		if (id != 0 && s->id != id)
			continue;
		if (s->idle || !imapd_session_busy(s)) {
			imapd_put_bye(s, "Your session was ended, log in "
			    "again");
			(void)imapd_flush(s);
		}
		s->dead = 1;
		session_work(s);
	}
}

static void
on_stopped(struct ev_loop *l, ev_timer *w, int events)
{
	server_exit();
}

/* Sessions that have read their BYE are gone; the others had a second. */
void
imapd_loop_stop(struct ev_loop *l)
{
	static ev_timer last;
	static int stopping;
	struct imapd_session *s, *next;

	if (stopping++)
		return;
	for (s = sessions; s != NULL; s = next) {
		next = s->next;
		imapd_session_bye(s, "The server stops");
		session_work(s);
	}
	ev_timer_init(&last, on_stopped, sessions == NULL ? 0. : 1., 0.);
	ev_timer_start(l, &last);
}
