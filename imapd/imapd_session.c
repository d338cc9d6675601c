#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#include "imapd/imapd_append.h"
#include "imapd/imapd_engine.h"
#include "imapd/imapd_session.h"

enum { NEWS_ROUNDS = 8 };

struct imapd_session *imapd_sessions;
struct imapd_conf imapd_conf;
static struct ev_loop *loop;
static ev_idle running;			/* some session has a step to do */
static ev_prepare before_sleep;

static void	session_work(struct imapd_session *);

static unsigned
session_count(void)
{
	const struct imapd_session *s;
	unsigned n = 0;

	for (s = imapd_sessions; s != NULL; s = s->next)
		n++;
	return n;
}

static void
more_end(struct imapd_session *s)
{
	if (s->more_free != NULL)
		s->more_free(s->more_data);
	s->more = NULL;
	s->more_free = NULL;
	s->more_data = NULL;
}

static void
session_free(struct imapd_session *s)
{
	struct imapd_session **p = &imapd_sessions;

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	ev_io_stop(loop, &s->reading);
	ev_io_stop(loop, &s->writing);
	more_end(s);
	imapd_append_free(s);
	if (s->view != NULL)
		imapd_view_close(s);
	imapd_input_clear(&s->in);
	buf_clear(&s->out);
	fd_close(&s->fd);
	log_debug("%s left", s->remote);
	free(s);
	server_sessions(session_count());
}

/* Writes what waits: 1 all, 0 the client is slow, -1 it is gone. */
static int
session_flush(struct imapd_session *s)
{
	ssize_t n;

	while (s->out_done < s->out.len) {
		n = write(s->fd, s->out.data + s->out_done,
		    s->out.len - s->out_done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return 0;
		if (n == -1) {
			s->dead = 1;
			return -1;
		}
		s->out_done += (size_t)n;
		s->active = s->told = clock_mono_ms();
	}
	buf_reset(&s->out);
	s->out_done = 0;
	return 1;
}

int
imapd_full(struct imapd_session *s, int64_t start)
{
	if (s->out.len - s->out_done >= IMAPD_OUT_HIGH &&
	    session_flush(s) != 1)
		return 1;
	return clock_mono_ms() - start >= IMAPD_SLICE_MS;
}

static void
put_bye(struct imapd_session *s, const char *words)
{
	buf_puts(&s->out, "* BYE ");
	buf_puts(&s->out, words);
	buf_puts(&s->out, "\r\n");
}

/* A step of the command under way. */
static void
session_step(struct imapd_session *s)
{
	if (s->more(s) != IMAPD_DONE)
		return;
	more_end(s);
	if (s->bye != NULL)
		put_bye(s, s->bye);
}

/*
 * Runs what can be run: until input is missing, the client does not read, or
 * a command wants to go on later. Returns 1 where it ended because the client
 * does not read: there is more to run as soon as all is out.
 */
static int
session_run(struct imapd_session *s)
{
	s->ready = 0;
	for (;;) {
		if (s->dead)
			return 0;
		if (s->out.len - s->out_done >= IMAPD_OUT_HIGH &&
		    session_flush(s) != 1)
			return 1;
		if (s->more != NULL) {
			session_step(s);
			if (s->more != NULL) {
				s->ready = session_flush(s) == 1;
				return !s->ready;
			}
		} else if (s->closing || !imapd_engine_step(s))
			return 0;
	}
}

/* Sets the watchers to what the session waits for. */
static void
session_watch(struct imapd_session *s)
{
	int pending = s->out.len > s->out_done;

	if (pending)
		ev_io_start(loop, &s->writing);
	else
		ev_io_stop(loop, &s->writing);
	if (pending || s->more != NULL || s->closing)
		ev_io_stop(loop, &s->reading);
	else
		ev_io_start(loop, &s->reading);
	if (s->ready)
		ev_idle_start(loop, &running);
	if (!pending && s->more == NULL) {
		if (s->out.cap > 0)
			buf_clear(&s->out);
		imapd_input_rest(&s->in);
	}
}

static void
session_work(struct imapd_session *s)
{
	int slow, out;

	/* A client that read in the meantime makes no event: go on at once. */
	do {
		slow = session_run(s);
		out = !s->dead && session_flush(s) == 1;
	} while (slow && out);
	if (out && s->closing && s->more == NULL)
		s->dead = 1;
	if (s->dead)
		session_free(s);
	else
		session_watch(s);
}

static void
on_readable(struct ev_loop *l, ev_io *w, int events)
{
	struct imapd_session *s = w->data;
	char *p = imapd_input_room(&s->in);
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
	imapd_input_got(&s->in, (size_t)n);
	session_work(s);
}

static void
on_writable(struct ev_loop *l, ev_io *w, int events)
{
	struct imapd_session *s = w->data;

	if (session_flush(s) == 0)
		return;
	session_work(s);
}

/* Each session that is ready takes one step; then events come first again. */
static void
on_idle(struct ev_loop *l, ev_idle *w, int events)
{
	struct imapd_session *s, *next;

	ev_idle_stop(l, w);
	for (s = imapd_sessions; s != NULL; s = next) {
		next = s->next;
		if (s->ready)
			session_work(s);
	}
}

/* Tells idle sessions what changed. */
static void
session_news(void)
{
	struct imapd_session *s, *next;

	imapd_box_news = 0;
	for (s = imapd_sessions; s != NULL; s = next) {
		next = s->next;
		if (s->view == NULL || s->closing)
			continue;
		if (s->view->box->gone && s->more == NULL)
			imapd_session_bye(s, "The mailbox is gone");
		else if (s->idle)
			imapd_view_sync(s, 1);
		else
			continue;
		if (s->out.len > s->out_done)
			session_work(s);
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
			return;
		}
		if (door_pending(&imapd_door))
			imapd_box_events();
		if (imapd_box_news)
			session_news();
	}
}

void
imapd_session_new(struct ev_loop *l, const struct session *from)
{
	struct imapd_session *s;

	if (loop == NULL) {
		loop = l;
		ev_idle_init(&running, on_idle);
		ev_prepare_init(&before_sleep, on_prepare);
		ev_prepare_start(loop, &before_sleep);
	}
	s = mem_zalloc(1, sizeof(*s));
	s->fd = from->fd;
	str_copy(s->remote, sizeof(s->remote), from->remote);
	imapd_input_init(&s->in);
	ev_io_init(&s->reading, on_readable, s->fd, EV_READ);
	ev_io_init(&s->writing, on_writable, s->fd, EV_WRITE);
	s->reading.data = s->writing.data = s;
	s->active = s->told = clock_mono_ms();
	s->next = imapd_sessions;
	imapd_sessions = s;
	server_sessions(session_count());
	ev_io_start(loop, &s->reading);
	log_debug("%s came", s->remote);
}

void
imapd_session_bye(struct imapd_session *s, const char *words)
{
	if (s->closing)
		return;
	/* What is under way may stand inside a literal. */
	if (s->more != NULL)
		s->bye = words;
	else
		put_bye(s, words);
	s->closing = 1;
}

static void
session_look(struct imapd_session *s, int64_t now)
{
	int64_t quiet = now - s->active;
	int busy = s->out.len > s->out_done || s->append != NULL ||
	    (!s->idle && imapd_input_partial(&s->in));

	if (busy && quiet >= IMAPD_STALL_MS) {
		log_info("%s: no progress for %lld s, closed", s->remote,
		    (long long)quiet / 1000);
		s->dead = 1;
	} else if (s->idle && now - s->told >=
	    (int64_t)imapd_conf.keepalive * 1000)
		buf_puts(&s->out, "* OK Still here\r\n");
	else if (!s->idle && s->more == NULL && quiet >=
	    (int64_t)imapd_conf.idle_timeout * 1000)
		imapd_session_bye(s, "Idle for too long");
	else
		return;
	session_work(s);
}

void
imapd_session_sweep(void)
{
	struct imapd_session *s, *next;
	int64_t now = clock_mono_ms();

	imapd_box_events();
	for (s = imapd_sessions; s != NULL; s = next) {
		next = s->next;
		session_look(s, now);
	}
}

void
imapd_session_stop(void)
{
	struct imapd_session *s, *next;

	for (s = imapd_sessions; s != NULL; s = next) {
		next = s->next;
		imapd_session_bye(s, "The server stops");
		session_work(s);
	}
}
