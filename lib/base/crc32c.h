/*
 * CRC-32C (Castagnoli, RFC 3385): the checksum of a message body. It finds
 * torn and flipped files; it is no defence against a forger.
 */
#ifndef LIB_BASE_CRC32C_H
#define LIB_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from crc (0 at the start) over len octets. */
uint32_t crc32c(uint32_t crc, const void *p, size_t len);

#endif
