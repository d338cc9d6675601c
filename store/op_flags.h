/*
 * Requests that change flags and keywords.
 */
#ifndef STORE_OP_FLAGS_H
#define STORE_OP_FLAGS_H

#include "store/account_keywords.h"
#include "store/door_client.h"

extern const struct op op_flags_rows[];

/* The bits of the keywords that it names, as mailbox_bits. 0, or
   -1 having answered. */
int	request_bits(const struct request *r, int make,
	    struct keyword_swap *swap, struct keyword_set *bits_r);
/* 0, or -1 having answered that mailbox_bits gave something else than D_OK. */
int	request_keywords(const struct request *r, enum door_error e);

#endif
