/*
 * pickup: sends one message that sendmail has left in the drop directory
 * (lib/mail/drop.h), by the same socket and with the same rights as sendmail
 * itself, for it runs as the user who left it; as rp-pickup where root did. It
 * knows no path but that of the socket: the file comes open, from master.
 *
 * The caller was told that the message is taken. So what is refused for good
 * goes back by mail, to the sender, or to the caller where the message as a
 * whole was refused.
 *
 * DIAGNOSTICS: says what became of it, by its name and in the log.
 */
#ifndef CTL_PICKUP_H
#define CTL_PICKUP_H

#include <stdint.h>

#include "lib/mail/drop.h"

struct pickup {
	const char *state_dir, *hostname;
	uint64_t message_size;
	int	 wait_ms;	/* from one try of a report to the next */
};

/* fd stays the caller's; name is for the log. */
enum drop_status pickup_send(const struct pickup *p, int fd, const char *name);

#endif
