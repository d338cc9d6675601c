/*
 * The request for the ids of messages.
 */
#ifndef STORE_OP_IDS_H
#define STORE_OP_IDS_H

#include "store/door_client.h"

extern const struct op op_ids_rows[];

#endif
