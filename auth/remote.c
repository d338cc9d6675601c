#include <arpa/inet.h>
#include <string.h>

#include "auth/remote.h"

enum { REMOTE_TEXT_MAX = 80 };

size_t
remote_key(const char *remote, unsigned char key[REMOTE_KEY_MAX])
{
	char text[REMOTE_TEXT_MAX + 1];
	size_t len = strnlen(remote, REMOTE_TEXT_MAX);
	char *p = text, *end;

	memcpy(text, remote, len);
	text[len] = '\0';
	if (*p == '[' && (end = strchr(p, ']')) != NULL) {
		p++;
		*end = '\0';
	} else if ((end = strrchr(p, ':')) != NULL) {
		*end = '\0';
	}
	memset(key, 0, REMOTE_KEY_MAX);
	if (inet_pton(AF_INET6, p, key) == 1)
		return 8;
	if (inet_pton(AF_INET, p, key) == 1)
		return 4;
	len = strnlen(p, REMOTE_KEY_MAX);
	memcpy(key, p, len);
	return len;
}
