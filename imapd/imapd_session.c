#include <errno.h>
#include <unistd.h>

#include "lib/base/clock.h"

#include "imapd/imapd_session.h"

struct imapd_conf imapd_conf;

int
imapd_session_busy(const struct imapd_session *s)
{
	return s->more != NULL || s->tail.len > 0;
}

int
imapd_session_pending(const struct imapd_session *s)
{
	size_t n;

	return s->out_done < s->out.len ||
	    (s->zip != NULL && imapd_zip_out(s->zip, &n) != NULL);
}

/* The next octets for the client, as they are or deflated: n_r of them. */
static const char *
flush_next(struct imapd_session *s, size_t *n_r)
{
	const char *p = s->out.data + s->out_done, *zipped;

	*n_r = s->out.len - s->out_done;
	if (s->zip == NULL)
		return p;
	if (s->plain > 0) {
		*n_r = s->plain;
		return p;
	}
	if ((zipped = imapd_zip_out(s->zip, n_r)) != NULL)
		return zipped;
	s->out_done += imapd_zip_deflate(s->zip, p, s->out.len - s->out_done);
	return imapd_zip_out(s->zip, n_r);
}

/* n octets of these were written. */
static void
flush_done(struct imapd_session *s, size_t n)
{
	if (s->zip != NULL && s->plain == 0) {
		imapd_zip_sent(s->zip, n);
		return;
	}
	s->out_done += n;
	if (s->zip != NULL)
		s->plain -= n;
}

int
imapd_flush(struct imapd_session *s)
{
	const char *p;
	size_t len;
	ssize_t n;

	while (imapd_session_pending(s)) {
		p = flush_next(s, &len);
		n = write(s->fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return 0;
		if (n == -1) {
			s->dead = 1;
			return -1;
		}
		flush_done(s, (size_t)n);
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
	    imapd_flush(s) != 1)
		return 1;
	return clock_mono_ms() - start >= IMAPD_SLICE_MS;
}

void
imapd_put_bye(struct imapd_session *s, const char *words)
{
	buf_puts(&s->out, "* BYE ");
	buf_puts(&s->out, words);
	buf_puts(&s->out, "\r\n");
}

void
imapd_session_bye(struct imapd_session *s, const char *words)
{
	if (s->closing)
		return;
	/* What is under way may stand inside a literal. */
	if (imapd_session_busy(s))
		s->bye = words;
	else
		imapd_put_bye(s, words);
	s->closing = 1;
}

enum imapd_run
imapd_later(struct imapd_session *s,
    enum imapd_run (*more)(struct imapd_session *), void (*more_free)(void *),
    void *data)
{
	s->more = more;
	s->more_free = more_free;
	s->more_data = data;
	return IMAPD_MORE;
}

void
imapd_later_end(struct imapd_session *s)
{
	if (s->more_free != NULL)
		s->more_free(s->more_data);
	s->more = NULL;
	s->more_free = NULL;
	s->more_data = NULL;
}

void
imapd_divert(struct imapd_session *s, int (*divert)(struct imapd_session *),
    void (*divert_free)(void *), void *data)
{
	s->divert = divert;
	s->divert_free = divert_free;
	s->divert_data = data;
}

void
imapd_divert_end(struct imapd_session *s)
{
	if (s->divert != NULL)
		s->divert_free(s->divert_data);
	s->divert = NULL;
	s->divert_free = NULL;
	s->divert_data = NULL;
}

void
imapd_refuse(struct imapd_session *s, const struct imapd_line *l)
{
	if (!l->sync && l->literal > 2 * imapd_conf.message_size)
		imapd_session_bye(s, "That literal is too long");
	else
		imapd_input_refuse(&s->in, l);
}

void
imapd_condstore(struct imapd_session *s)
{
	if (s->condstore)
		return;
	s->condstore = 1;
	if (s->view != NULL)
		buf_printf(&s->out, "* OK [HIGHESTMODSEQ %llu] Highest\r\n",
		    (unsigned long long)s->view->box->modseq);
}
