#include "imapd/imapd_session.h"

/*
 * The tagged reply, after the news of the mailbox. EXPUNGE must not come
 * while the client may still use old sequence numbers: in replies to FETCH,
 * STORE, SEARCH (RFC 3501 7.4.1).
 */
static enum imapd_run ATTR_PRINTF(3, 0)
reply(struct imapd_session *s, const char *kind, const char *fmt, va_list ap)
{
	unsigned flags = s->cmd != NULL ? s->cmd->flags : IMAPD_NO_SYNC;

	if (s->view != NULL && !(flags & IMAPD_NO_SYNC))
		imapd_view_sync(s, !(flags & IMAPD_QUIET) || s->uid);
	buf_puts(&s->out, s->tag);
	buf_puts(&s->out, kind);
	buf_vprintf(&s->out, fmt, ap);
	buf_puts(&s->out, "\r\n");
	return IMAPD_DONE;
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

/* RFC 5530 and RFC 9208 name the codes. */
enum imapd_run
imapd_door_no(struct imapd_session *s)
{
	static const char *const code[] = {
		[D_OK] = "SERVERBUG",
		[D_LOST] = "UNAVAILABLE",
		[D_LATER] = "UNAVAILABLE",
		[D_ABSENT] = "NONEXISTENT",
		[D_EXISTS] = "ALREADYEXISTS",
		[D_REFUSED] = "CANNOT",
		[D_QUOTA] = "OVERQUOTA",
		[D_IN_USE] = "INUSE",
		[D_READONLY] = "NOPERM",
		[D_LIMIT] = "LIMIT",
		[D_GONE] = "EXPUNGEISSUED",
	};
	static const char *const words[] = {
		[D_OK] = "Failed",
		[D_LOST] = "The store is away, try again",
		[D_LATER] = "The store is in trouble, try again",
		[D_ABSENT] = "There is no such mailbox",
		[D_EXISTS] = "That mailbox exists",
		[D_REFUSED] = "Refused",
		[D_QUOTA] = "Over quota",
		[D_IN_USE] = "In use",
		[D_READONLY] = "Read-only",
		[D_LIMIT] = "Too many keywords",
		[D_GONE] = "Some messages are gone",
	};
	enum door_error e = door_error(&imapd_door);

	if (*door_words(&imapd_door) != '\0' && e != D_LOST)
		return imapd_no(s, "[%s] %s", code[e],
		    door_words(&imapd_door));
	return imapd_no(s, "[%s] %s", code[e], words[e]);
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
imapd_condstore(struct imapd_session *s)
{
	if (s->condstore)
		return;
	s->condstore = 1;
	if (s->view != NULL)
		buf_printf(&s->out, "* OK [HIGHESTMODSEQ %llu] Highest\r\n",
		    (unsigned long long)s->view->box->modseq);
}
