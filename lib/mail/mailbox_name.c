#include <string.h>
#include <strings.h>

#include "lib/base/str.h"
#include "lib/mail/door.h"
#include "lib/mail/mailbox_name.h"

static int
level_ok(const char *p, size_t len)
{
	return len > 0 && !(len == 1 && p[0] == '.') &&
	    !(len == 2 && p[0] == '.' && p[1] == '.');
}

int
mailbox_name_ok(const char *name)
{
	size_t len = strlen(name), i, n, start = 0, depth = 1;

	if (len == 0 || len > DOOR_NAME_MAX)
		return 0;
	for (i = 0; i < len; i += n) {
		n = str_utf8(name + i, len - i);
		if (n == 0 || (unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return 0;
		if (name[i] != '/')
			continue;
		if (!level_ok(name + start, i - start) ||
		    ++depth > DOOR_DEPTH_MAX)
			return 0;
		start = i + 1;
	}
	return level_ok(name + start, len - start);
}

void
mailbox_name_fix(char *name)
{
	if (strncasecmp(name, "INBOX", 5) == 0 &&
	    (name[5] == '\0' || name[5] == '/'))
		memcpy(name, "INBOX", 5);
}
