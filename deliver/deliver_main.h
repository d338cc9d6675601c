/*
 * deliver: takes jobs from queue, looks at each body once (length, checksum,
 * loops, header, what IMAP will want cached), and asks store to put it into
 * the mailboxes.
 *
 * Jobs are pipelined: nothing waits for an answer of store, and what came in
 * one read goes out in one write. At most DELIVER_WINDOW requests are with
 * store, for each carries a descriptor; the rest of a job with very many
 * recipients follows as answers come.
 *
 * Where store or the queue goes away no job is lost: queue gets J_REFUSED, or
 * sees the channel end, and hands it out again; store answers a repeat
 * "delivered" (state "delivered to U").
 */
#ifndef DELIVER_DELIVER_MAIN_H
#define DELIVER_DELIVER_MAIN_H

#include "lib/server/server.h"

extern const struct server deliver_server;

#endif
