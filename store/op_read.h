/*
 * Requests that only look.
 */
#ifndef STORE_OP_READ_H
#define STORE_OP_READ_H

#include "store/door_client.h"

extern const struct op op_read_rows[];

#endif
