#include "lib/base/str.h"
#include "lib/mail/door.h"

#include "imapd/imapd_uses.h"

static const struct use {
	uint32_t attr;
	const char *name;
} uses[] = {
	{ ATTR_DRAFTS, "\\Drafts" }, { ATTR_SENT, "\\Sent" },
	{ ATTR_TRASH, "\\Trash" }, { ATTR_JUNK, "\\Junk" },
	{ ATTR_ARCHIVE, "\\Archive" }, { ATTR_FLAGGED, "\\Flagged" },
};
enum { USES = sizeof(uses) / sizeof(uses[0]) };

uint32_t
imapd_use_find(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < USES; i++)
		if (str_is(p, len, uses[i].name))
			return uses[i].attr;
	return 0;
}

void
imapd_uses_put(struct buf *out, uint32_t attrs)
{
	size_t i;

	for (i = 0; i < USES; i++)
		if (attrs & uses[i].attr) {
			buf_putc(out, ' ');
			buf_puts(out, uses[i].name);
		}
}
