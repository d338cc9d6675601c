#include <string.h>

#include "lib/base/crc32c.h"

/* The polynomial, reflected: the highest bit stands for x^0. */
#define POLY	0x82f63b78u

static uint32_t
crc_soft(uint32_t crc, const unsigned char *p, size_t len)
{
	static uint32_t table[256];
	uint32_t c;
	unsigned i;
	int k;

	if (__atomic_load_n(&table[1], __ATOMIC_ACQUIRE) == 0)
		for (i = 256; i-- > 1;) {	/* table[1] last */
			for (c = i, k = 0; k < 8; k++)
				c = c & 1 ? c >> 1 ^ POLY : c >> 1;
			__atomic_store_n(&table[i], c, __ATOMIC_RELEASE);
		}
	for (; len > 0; len--)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
	return crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t
crc_hard(uint32_t crc, const unsigned char *p, size_t len)
{
	uint64_t c = crc, v;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&v, p, 8);
		c = _mm_crc32_u64(c, v);
	}
	for (; len > 0; len--)
		c = _mm_crc32_u8((uint32_t)c, *p++);
	return (uint32_t)c;
}

uint32_t
crc32c(uint32_t crc, const void *p, size_t len)
{
	if (__builtin_cpu_supports("sse4.2"))
		return ~crc_hard(~crc, p, len);
	return ~crc_soft(~crc, p, len);
}
#else
uint32_t
crc32c(uint32_t crc, const void *p, size_t len)
{
	return ~crc_soft(~crc, p, len);
}
#endif

/* a times b modulo the polynomial. */
static uint32_t
multiply(uint32_t a, uint32_t b)
{
	uint32_t r = 0;

	for (; a != 0; a <<= 1) {
		if (a & 1u << 31)
			r ^= b;
		b = b & 1 ? b >> 1 ^ POLY : b >> 1;
	}
	return r;
}

/* Octets behind a multiply its remainder by x^8 each. */
uint32_t
crc32c_join(uint32_t a, uint32_t b, uint64_t len)
{
	uint32_t power = 1u << (31 - 8);

	for (; len > 0; len >>= 1) {
		if (len & 1)
			a = multiply(power, a);
		power = multiply(power, power);
	}
	return a ^ b;
}
