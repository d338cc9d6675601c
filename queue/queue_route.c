#include "queue/queue_route.h"

void
route_key(const struct message *m, const struct target *t, struct dest_key *k)
{
	int smarthost = queue.conf.relay_host[0] != '\0';

	dest_key_set(k, smarthost ? "" : t->way, "", DEST_TLS_ROUTE);
}
