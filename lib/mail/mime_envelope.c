/*
 * ENVELOPE (RFC 3501 7.4.2). Subjects keep their encoded words: decoding is
 * the client's.
 */
#include "lib/mail/mime_address.h"
#include "lib/mail/mime_envelope.h"
#include "lib/mail/mime_string.h"

/* Appends a field's nstring; where it is absent or empty, NIL. */
static int
put_field(struct buf *out, const struct mime_text *t)
{
	size_t len = t->len;
	const char *p = t->p;

	for (; p != NULL && len > 0; p++, len--)
		if (*p != ' ' && *p != '\t' && *p != '\r' && *p != '\n')
			return mime_nstring(p, len, out);
	return buf_append(out, t->p != NULL ? "\"\"" : "NIL",
	    t->p != NULL ? 2 : 3);
}

/*
 * "the server should default reply-to and sender from from" where they are
 * absent or empty: then the text of From is put once more.
 */
static int
put_sender(const struct mime_field *f, size_t from, size_t from_len,
    struct buf *out)
{
	size_t at = out->len;

	if (mime_address_list(f, out) == -1)
		return -1;
	if (out->len - at != 3)		/* NIL */
		return 0;
	buf_truncate(out, at);
	if (buf_reserve(out, from_len) == -1)
		return -1;
	return buf_append(out, out->data + from, from_len);
}

/*
 * envelope = "(" env-date SP env-subject SP env-from SP env-sender SP
 *     env-reply-to SP env-to SP env-cc SP env-bcc SP env-in-reply-to SP
 *     env-message-id ")"
 */
int
mime_envelope(const struct mime_part *p, struct buf *out)
{
	static const struct mime_field none[MIME_F_COUNT];
	const struct mime_field *e = p->envelope != NULL ? p->envelope : none;
	size_t from, from_len;
	int i;

	if (buf_putc(out, '(') == -1 ||
	    put_field(out, &e[MIME_F_DATE].text) == -1 ||
	    buf_putc(out, ' ') == -1 ||
	    put_field(out, &e[MIME_F_SUBJECT].text) == -1 ||
	    buf_putc(out, ' ') == -1)
		return -1;
	from = out->len;
	if (mime_address_list(&e[MIME_F_FROM], out) == -1)
		return -1;
	from_len = out->len - from;
	for (i = MIME_F_SENDER; i <= MIME_F_REPLY_TO; i++)
		if (buf_putc(out, ' ') == -1 ||
		    put_sender(&e[i], from, from_len, out) == -1)
			return -1;
	for (i = MIME_F_TO; i <= MIME_F_BCC; i++)
		if (buf_putc(out, ' ') == -1 ||
		    mime_address_list(&e[i], out) == -1)
			return -1;
	if (buf_putc(out, ' ') == -1 ||
	    put_field(out, &e[MIME_F_IN_REPLY_TO].text) == -1 ||
	    buf_putc(out, ' ') == -1 ||
	    put_field(out, &e[MIME_F_MESSAGE_ID].text) == -1)
		return -1;
	return buf_putc(out, ')');
}
