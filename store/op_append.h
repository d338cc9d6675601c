/*
 * Requests that append messages.
 */
#ifndef STORE_OP_APPEND_H
#define STORE_OP_APPEND_H

#include "store/door_client.h"

extern const struct op op_append_rows[];

#endif
