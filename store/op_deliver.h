/*
 * Deliveries: what a deliver asks for.
 */
#ifndef STORE_OP_DELIVER_H
#define STORE_OP_DELIVER_H

struct client;
struct msg;

void	deliver_request(struct client *c, struct msg *m);

#endif
