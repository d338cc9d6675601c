/*
 * The number of a start.
 */
#ifndef STORE_EPOCH_H
#define STORE_EPOCH_H

#include <stdint.h>

/*
 * The number of this start, durable: larger than that of every start before,
 * and than above. It is the epoch under which the index is owned, and the upper
 * half of every modseq. Sets store.crash, another such number.
 */
uint64_t store_epoch(uint64_t above);

#endif
