/*
 * One request for the hosts of a domain, from the question to the answer:
 * MX records, then the addresses of all hosts at once.
 *
 * A look-up ends within LOOKUP_SECONDS: by then what is unknown counts as
 * temporary. From the moment that the first host has an address the rest has
 * LOOKUP_GRACE, for there are name servers that never answer for AAAA. It asks
 * at most 3 + 2 * MAIL_HOSTS_MAX questions: two may be those of
 * relay/resolve_probe.h, whose addresses are no mail host's.
 */
#ifndef RELAY_RESOLVE_LOOKUP_H
#define RELAY_RESOLVE_LOOKUP_H

#include <ev.h>

#include "lib/mail/proto.h"
#include "relay/resolve_hosts.h"

enum { LOOKUP_SECONDS = 30, LOOKUP_GRACE = 3 };

struct lookup;

struct lookup_answer {
	enum n_status status;
	const struct hosts *hosts;	/* N_OK */
	const char *words;		/* otherwise: enhanced code and text */
	int	 secure;
};

/* Called once, never from within lookup_start; the look-up is then freed. */
typedef void lookup_callback(void *arg, const struct lookup_answer *a);

/*
 * type is N_MX or N_HOST; name is bounded, but may be malformed (the answer
 * says so). self must live as long.
 */
struct lookup *lookup_start(struct ev_loop *loop, enum n_type type,
	    const char *name, const struct self *self, lookup_callback *done,
	    void *arg);
/* Ends a look-up whose asker is gone: no callback. */
void	lookup_cancel(struct lookup **l);

#endif
