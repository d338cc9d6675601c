#include <stdlib.h>

#include <zlib.h>

#include "lib/base/buf.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#include "imapd/imapd_zip.h"

enum {
	/* "The windowBits value must be in the range -8 to -15, or else
	   deflateInit2() uses the wrong format." (RFC 4978 4) */
	BITS_OUT = -13,
	BITS_IN = -15,		/* the client may use as much */
	MEM_LEVEL = 6,
	LEVEL = 3,		/* text to a fifth, some 40 MB/s */
};

struct imapd_zip {
	z_stream in, out;
	struct buf raw;		/* received, not inflated */
	struct buf sent;	/* deflated, not sent ... */
	size_t	 sent_done;	/* ... but for the first ones */
	int	 full;		/* there may be more than there was room for */
};

static void *
zip_alloc(void *opaque, unsigned n, unsigned size)
{
	return mem_zalloc(n, size);
}

static void
zip_release(void *opaque, void *p)
{
	free(p);
}

struct imapd_zip *
imapd_zip_new(void)
{
	struct imapd_zip *z = mem_zalloc(1, sizeof(*z));

	z->in.zalloc = z->out.zalloc = zip_alloc;
	z->in.zfree = z->out.zfree = zip_release;
	if (inflateInit2(&z->in, BITS_IN) != Z_OK ||
	    deflateInit2(&z->out, LEVEL, Z_DEFLATED, BITS_OUT, MEM_LEVEL,
	    Z_DEFAULT_STRATEGY) != Z_OK)
		log_panic("zlib does not begin");
	return z;
}

void
imapd_zip_free(struct imapd_zip **zp)
{
	struct imapd_zip *z = *zp;

	if (z == NULL)
		return;
	*zp = NULL;
	(void)inflateEnd(&z->in);
	(void)deflateEnd(&z->out);
	buf_clear(&z->raw);
	buf_clear(&z->sent);
	free(z);
}

void
imapd_zip_got(struct imapd_zip *z, const char *p, size_t n)
{
	buf_append(&z->raw, p, n);
}

int
imapd_zip_waits(const struct imapd_zip *z)
{
	return z->raw.len > 0 || z->full;
}

ssize_t
imapd_zip_inflate(struct imapd_zip *z, char *p, size_t max)
{
	int r;

	z->in.next_in = (unsigned char *)z->raw.data;
	z->in.avail_in = (unsigned)z->raw.len;
	z->in.next_out = (unsigned char *)p;
	z->in.avail_out = (unsigned)max;
	r = inflate(&z->in, Z_SYNC_FLUSH);
	/* Z_BUF_ERROR: there was nothing to do, which is no error. */
	if (r != Z_OK && r != Z_BUF_ERROR && r != Z_STREAM_END)
		return -1;
	/* Nothing may follow the end of the client's stream. */
	if (r == Z_STREAM_END && z->in.avail_in > 0)
		return -1;
	buf_consume(&z->raw, z->raw.len - z->in.avail_in);
	z->full = z->in.avail_out == 0;
	return (ssize_t)(max - z->in.avail_out);
}

size_t
imapd_zip_deflate(struct imapd_zip *z, const char *p, size_t len)
{
	size_t room;

	if (len > IMAPD_ZIP_PIECE)
		len = IMAPD_ZIP_PIECE;
	z->out.next_in = (unsigned char *)p;
	z->out.avail_in = (unsigned)len;
	do {
		room = z->out.avail_in / 2 + 64;
		if (buf_reserve(&z->sent, room) == -1)
			log_panic("a buffer without a bound is full");
		z->out.next_out = (unsigned char *)z->sent.data + z->sent.len;
		z->out.avail_out = (unsigned)room;
		if (deflate(&z->out, Z_SYNC_FLUSH) == Z_STREAM_ERROR)
			log_panic("zlib does not deflate");
		z->sent.len += room - z->out.avail_out;
	} while (z->out.avail_out == 0);
	return len;
}

const char *
imapd_zip_out(const struct imapd_zip *z, size_t *n_r)
{
	*n_r = z->sent.len - z->sent_done;
	return *n_r > 0 ? z->sent.data + z->sent_done : NULL;
}

void
imapd_zip_sent(struct imapd_zip *z, size_t n)
{
	z->sent_done += n;
	if (z->sent_done < z->sent.len)
		return;
	buf_reset(&z->sent);
	z->sent_done = 0;
}

void
imapd_zip_rest(struct imapd_zip *z)
{
	if (z->raw.len == 0)
		buf_clear(&z->raw);
	if (z->sent.len == 0)
		buf_clear(&z->sent);
}
