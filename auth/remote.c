#include <string.h>

#include "auth/remote.h"
#include "lib/net/addr.h"

size_t
remote_key(const char *remote, unsigned char key[REMOTE_KEY_MAX])
{
	struct buf why = BUF_INIT(1);
	uint64_t origin;
	struct addr a;
	size_t len = strnlen(remote, REMOTE_KEY_MAX);

	memset(key, 0, REMOTE_KEY_MAX);
	if (addr_parse(&a, remote, strlen(remote), 1, &why) == 0) {
		origin = addr_origin((const struct sockaddr *)
		    (const void *)&a.ss);
		memcpy(key, &origin, sizeof(origin));
		len = sizeof(origin);
	} else {
		memcpy(key, remote, len);
	}
	buf_clear(&why);
	return len;
}
