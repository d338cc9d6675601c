#include "imapd/imapd_commands.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_reply.h"

/*
 * "If the server sends MODSEQ FETCH data items while EXPUNGE (or VANISHED)
 * replies with lower mod-sequences being delayed, the server MUST send the
 * HIGHESTMODSEQ response code with a lower value" (RFC 7162 3.2).
 */
static void
put_owed(struct imapd_session *s, struct buf *out)
{
	if (s->qresync && s->view != NULL && s->view->news.shrunk &&
	    out == &s->out)
		buf_printf(out, "* OK [HIGHESTMODSEQ %llu] Some expunges are "
		    "to come\r\n", (unsigned long long)s->view->told);
}

/*
 * The tagged reply, after the news of the mailbox. EXPUNGE must not come
 * while the client may still use old sequence numbers: in replies to FETCH,
 * STORE, SEARCH (RFC 3501 7.4.1).
 */
static enum imapd_run ATTR_PRINTF(3, 0)
reply(struct imapd_session *s, const char *kind, const char *fmt, va_list ap)
{
	unsigned flags = s->cmd != NULL ? s->cmd->flags : IMAPD_NO_SYNC;
	struct buf *out = &s->out;

	s->tail_expunge = !(flags & IMAPD_QUIET) || s->uid;
	if (s->view != NULL && !(flags & IMAPD_NO_SYNC) &&
	    !imapd_view_sync(s, s->tail_expunge))
		out = &s->tail;
	put_owed(s, out);
	buf_puts(out, s->tag);
	buf_puts(out, kind);
	buf_vprintf(out, fmt, ap);
	buf_puts(out, "\r\n");
	return IMAPD_DONE;
}

int
imapd_reply_more(struct imapd_session *s)
{
	if (!imapd_view_sync(s, s->tail_expunge))
		return 0;
	put_owed(s, &s->out);
	buf_append(&s->out, s->tail.data, s->tail.len);
	buf_clear(&s->tail);
	return 1;
}

enum imapd_run
imapd_ok(struct imapd_session *s, const char *fmt, ...)
{
	va_list ap;

	s->errors = 0;
	va_start(ap, fmt);
	reply(s, " OK ", fmt, ap);
	va_end(ap);
	return IMAPD_DONE;
}

enum imapd_run
imapd_no(struct imapd_session *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	reply(s, " NO ", fmt, ap);
	va_end(ap);
	return IMAPD_DONE;
}

enum imapd_run
imapd_bad(struct imapd_session *s, const char *fmt, ...)
{
	va_list ap;

	s->cmd = NULL;
	va_start(ap, fmt);
	reply(s, " BAD ", fmt, ap);
	va_end(ap);
	if (++s->errors >= IMAPD_ERRORS_MAX)
		imapd_session_bye(s, "Too many bad commands");
	return IMAPD_DONE;
}

enum imapd_run
imapd_door_no(struct imapd_session *s)
{
	return imapd_no(s, "[%s] %s", imapd_door_code(), imapd_door_words());
}
