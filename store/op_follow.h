/*
 * Requests of those who follow.
 */
#ifndef STORE_OP_FOLLOW_H
#define STORE_OP_FOLLOW_H

#include "store/door_client.h"

extern const struct op op_follow_rows[];

#endif
