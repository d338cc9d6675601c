/*
 * deliver with a filter: "two..." goes into Lists, flagged, and into INBOX,
 * changed; everybody else has it in Junk alone.
 */
#include <string.h>

#include "deliver/deliver_action.h"

size_t
actions_of(const struct filter_message *m, struct filtered *f,
    const struct action **list_r)
{
	static const struct changed body = { .file = "fresh", .size = 7,
		.crc = 9, .header_len = 3, .mark = MARK_CUT };
	static const struct action two[] = {
		{ .where = { .mailbox = "Lists", .make = 1,
		    .flags = FLAG_FLAGGED, .keywords = "\1\0\0\0k",
		    .keywords_len = 5 } },
		{ .body = &body },
	};
	static const struct action junk = { .where = { .attrs = ATTR_JUNK } };

	if (strncmp(m->owner, "two", 3) == 0) {
		*list_r = two;
		return 2;
	}
	*list_r = &junk;
	return 1;
}
