/*
 * Requests that copy and move messages.
 */
#ifndef STORE_OP_COPY_H
#define STORE_OP_COPY_H

#include "store/door_client.h"

extern const struct op op_copy_rows[];

#endif
