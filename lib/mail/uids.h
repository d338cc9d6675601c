/*
 * Lists of UIDs, or of other numbers that name messages, in rising order.
 */
#ifndef LIB_MAIL_UIDS_H
#define LIB_MAIL_UIDS_H

#include <stddef.h>
#include <stdint.h>

/* Index of the first of n rising numbers that is at least uid; n: none is. */
size_t	uids_find(const uint32_t *list, size_t n, uint32_t uid);
/* Puts n numbers in rising order, each once: returns how many remain. */
size_t	uids_sort(uint32_t *list, size_t n);

#endif
