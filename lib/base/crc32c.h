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
/*
 * The checksum of a and b in a row, from that of each alone: octets that were
 * summed need not be read again where something comes in front of them. len
 * is the length of b.
 */
uint32_t crc32c_join(uint32_t a, uint32_t b, uint64_t len);

#endif
