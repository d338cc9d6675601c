#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "master/master_notify.h"

static struct sockaddr_un un;
static socklen_t len;	/* 0: nobody wants to know */

/*
 * systemd's protocol is one datagram to the socket that the environment names;
 * a leading @ stands for the NUL of an abstract name.
 */
void
notify_init(void)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t n = name != NULL ? strlen(name) : 0;

	if (n > 1 && n < sizeof(un.sun_path) &&
	    (name[0] == '/' || name[0] == '@')) {
		un.sun_family = AF_UNIX;
		memcpy(un.sun_path, name, n);
		if (name[0] == '@')
			un.sun_path[0] = '\0';
		len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	}
	unsetenv("NOTIFY_SOCKET");	/* it is not for the children */
}

void
notify(const char *state)
{
	int fd;

	if (len == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (struct sockaddr *)&un, len) == -1)
		log_warn("NOTIFY_SOCKET does not answer");
	if (fd != -1)
		close(fd);
}
