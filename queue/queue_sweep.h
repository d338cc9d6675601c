/*
 * The sweeper of spool/queue/body.
 */
#ifndef QUEUE_QUEUE_SWEEP_H
#define QUEUE_QUEUE_SWEEP_H

#include <stdint.h>

/*
 * Looks through the folder: names without record that are too old go, foreign
 * ones are told of once, records without file are set aside through missing.
 */
void	sweep_start(void (*missing)(uint64_t id));

#endif
