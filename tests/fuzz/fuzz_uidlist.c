/* Dovecot's files in a Maildir: the list of UIDs, keywords, subscriptions. */
#include <stdlib.h>
#include <string.h>

#include "ctl/box_dovecot.h"
#include "lib/mail/keyword_set.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	char *keyword[BOX_KEYWORDS] = { NULL };
	struct buf names = BUF_INIT(0);
	struct box_uidlist u;
	struct cursor c;
	size_t i, len;

	if (box_uidlist_read(&u, text, size) == 0) {
		if (u.uidvalidity == 0 && size > 0 && *data == '3')
			abort();
		for (i = 0; i < u.n; i++)
			if (u.list[i].uid == 0 || u.list[i].len == 0 ||
			    u.list[i].base < text ||
			    u.list[i].base + u.list[i].len > text + size ||
			    box_uidlist_find(&u, u.list[i].base,
			    u.list[i].len) == 0)
				abort();
		if (box_uidlist_find(&u, "", 0) != 0)
			abort();
	}
	box_uidlist_clear(&u);
	box_keywords_read(keyword, text, size);
	for (i = 0; i < BOX_KEYWORDS; i++) {
		if (keyword[i] != NULL &&
		    !keyword_ok(keyword[i], strlen(keyword[i])))
			abort();
		free(keyword[i]);
	}
	box_subscriptions_read(&names, text, size);
	cursor_init(&c, buf_str(&names), names.len);
	while (cursor_left(&c) > 0)
		if (cursor_lv(&c, &len, size) == NULL || len == 0)
			abort();
	buf_clear(&names);
	return 0;
}
