/*
 * A growing octet buffer, and a cursor that reads one without stepping past
 * its end.
 *
 * A buf is embedded and used by address. data always has a spare NUL behind
 * len (an empty one that never held anything has data == NULL: use buf_str).
 * Growth past max is refused by return value, never by ending the process: a
 * line that a peer made too long must get its 500. max 0 means no bound and
 * is for what is bounded elsewhere.
 */
#ifndef LIB_BASE_BUF_H
#define LIB_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

struct buf {
	char	*data;
	size_t	 len, cap, max;
};

#define BUF_INIT(m)	{ .data = NULL, .len = 0, .cap = 0, .max = (m) }

void	buf_init(struct buf *b, size_t max);
/* Frees the memory; the buf is as after buf_init with the same max. */
void	buf_clear(struct buf *b);
/* Wipes, then frees. For secrets. */
void	buf_wipe(struct buf *b);
/* Sets len to 0 and keeps the memory. */
void	buf_reset(struct buf *b);
/* The text, NUL-terminated; "" for an empty buf. Valid until the next call. */
const char *buf_str(const struct buf *b);

/*
 * Makes room for extra more octets (and the NUL). Returns -1 if len + extra
 * would pass max; the buf is unchanged then.
 */
int	buf_reserve(struct buf *b, size_t extra) ATTR_CHECK;

/* The appending calls return -1, changing nothing, where max is reached. */
int	buf_append(struct buf *b, const void *p, size_t len);
int	buf_putc(struct buf *b, char c);
int	buf_puts(struct buf *b, const char *s);
int	buf_printf(struct buf *b, const char *fmt, ...) ATTR_PRINTF(2, 3);
int	buf_vprintf(struct buf *b, const char *fmt, va_list ap)
	    ATTR_PRINTF(2, 0);
/* A number in decimal, quicker than buf_printf. */
int	buf_put_number(struct buf *b, uint64_t v);
/* Fixed-width integers, little-endian (records on disk and in frames). */
int	buf_put_u8(struct buf *b, uint8_t v);
int	buf_put_u32(struct buf *b, uint32_t v);
int	buf_put_u64(struct buf *b, uint64_t v);
/* A u32 length, then the octets. */
int	buf_put_lv(struct buf *b, const void *p, size_t len);

/* Sets the text of a message for people: what a failed call writes to why.
   Cut at max; the arguments must not be b's own text. */
void	buf_set(struct buf *b, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* Drops n octets (at most len) at the front. */
void	buf_consume(struct buf *b, size_t n);
/* Cuts to len octets (at most the present length). */
void	buf_truncate(struct buf *b, size_t len);

/* Reading: p..end is what is left; bad is set for ever by the first overrun. */
struct cursor {
	const unsigned char *p, *end;
	int	 bad;
};

void	cursor_init(struct cursor *c, const void *p, size_t len);
size_t	cursor_left(const struct cursor *c);
/* After an overrun these return 0 or NULL, and bad is set. */
uint8_t	cursor_u8(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
const void *cursor_take(struct cursor *c, size_t len);
/* The octets of a buf_put_lv; refuses a length over max. Borrowed memory. */
const void *cursor_lv(struct cursor *c, size_t *len_r, size_t max);

#endif
