/*
 * probe: tells who asks which ports of his own address answer from here
 * (lib/mail/probe.h). It connects to nobody else, says nothing there, and hangs
 * up. Off unless listen_probe names an address.
 */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include "lib/mail/probe.h"

/*
 * One asker, whole; fd is closed. crowded: there is another one of his address.
 * any_port: ports that are none of mail's, too (trials). Returns how many ports
 * were tried, -1: he asked for nothing that there is. ending: between two
 * tricks, whether it is time to go; what is left stays untried.
 */
int	probe_serve(int fd, int crowded, int any_port, int (*ending)(void));

#endif
