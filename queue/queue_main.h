/*
 * The hooks of the process skeleton, for main.c and for tests that run queue
 * in a child.
 */
#ifndef QUEUE_QUEUE_MAIN_H
#define QUEUE_QUEUE_MAIN_H

#include "lib/server/server.h"

extern const struct server queue_server;

#endif
