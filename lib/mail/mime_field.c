/* The fields of a header block that a tree keeps. */
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/mime_impl.h"

/* The fields that matter; envelope ones only at the root of a message. */
static const struct field_name {
	unsigned char len, envelope, list, index;
	const char *name;
} field_names[] = {
	{ 2, 1, 1, MIME_F_TO, "to" },
	{ 2, 1, 1, MIME_F_CC, "cc" },
	{ 3, 1, 1, MIME_F_BCC, "bcc" },
	{ 4, 1, 0, MIME_F_DATE, "date" },
	{ 4, 1, 1, MIME_F_FROM, "from" },
	{ 6, 1, 0, MIME_F_SENDER, "sender" },
	{ 7, 1, 0, MIME_F_SUBJECT, "subject" },
	{ 8, 1, 1, MIME_F_REPLY_TO, "reply-to" },
	{ 10, 1, 0, MIME_F_MESSAGE_ID, "message-id" },
	{ 11, 1, 0, MIME_F_IN_REPLY_TO, "in-reply-to" },
	{ 10, 0, 0, MIME_C_ID, "content-id" },
	{ 11, 0, 0, MIME_C_MD5, "content-md5" },
	{ 12, 0, 0, MIME_C_TYPE, "content-type" },
	{ 16, 0, 0, MIME_C_LANGUAGE, "content-language" },
	{ 16, 0, 0, MIME_C_LOCATION, "content-location" },
	{ 19, 0, 0, MIME_C_DESCRIPTION, "content-description" },
	{ 19, 0, 0, MIME_C_DISPOSITION, "content-disposition" },
	{ 25, 0, 0, MIME_C_ENCODING, "content-transfer-encoding" },
};

static const struct field_name *
field_find(const char *name, size_t len)
{
	const struct field_name *f = field_names;
	size_t i;

	if (len > 25)
		return NULL;
	for (i = 0; i < sizeof(field_names) / sizeof(*f); i++, f++)
		if (f->len == len && str_ncasecmp(name, f->name, len) == 0)
			return f;
	return NULL;
}

/*
 * Where the text of the field at p goes; NULL: it is not asked for, or stands
 * there already. RFC 5322 4.5.3: "a destination field is allowed to occur
 * multiple times": of such lists nobody is to be lost.
 */
static struct mime_text *
field_slot(struct mime_part *part, const struct field_name *f, const char *p)
{
	struct mime_field *slot;

	if (!f->envelope)
		return part->content[f->index].p == NULL ?
		    &part->content[f->index] : NULL;
	if (part->envelope == NULL)
		return NULL;
	slot = &part->envelope[f->index];
	if (slot->text.p == NULL)
		return &slot->text;
	if (f->list && slot->more == NULL) {
		slot->name = f->name;
		slot->more = p;
	}
	return NULL;
}

struct mime_text *
mime_field_line(struct mime_part *part, const char *p, const char *eol)
{
	const char *colon = memchr(p, ':', (size_t)(eol - p)), *name_end;
	const struct field_name *f;
	struct mime_text *t;

	if (colon == NULL)
		return NULL;
	for (name_end = colon; name_end > p; name_end--)
		if (name_end[-1] != ' ' && name_end[-1] != '\t')
			break;
	if ((f = field_find(p, (size_t)(name_end - p))) == NULL ||
	    (t = field_slot(part, f, p)) == NULL)
		return NULL;
	t->p = colon + 1;
	t->len = (size_t)(eol - t->p);
	return t;
}
