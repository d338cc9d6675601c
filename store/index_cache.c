/*
 * A place in the ring is a number that only grows; where it lies in the file is
 * its rest by CACHE_RING. In front of each record stands its place, so that what
 * was overwritten is noticed. The first page holds where the ring goes on, while
 * nobody uses it: it is taken away at the start and written at the end.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/door.h"
#include "store/index_cache.h"

enum {
	PAGE = 4096,		/* the first, before the ring */
	PLACE = 8,		/* octets of it in front of a record */
	REF = 0xff,		/* first octet of a row that names a place */
	RECENT = 256,		/* that may be the same record */
	SAME_MAX = 4,		/* of these are read */
};

static const char magic[] = "rohrpost-ring 1\n";

struct entry {
	uint64_t place;
	uint32_t len, crc;
};

static struct {
	pthread_mutex_t lock;	/* of what follows, and of writing */
	int	 fd;
	uint64_t next;		/* place of the next record */
	struct entry recent[RECENT];
	unsigned n_recent;
} ring = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

static off_t
offset_of(uint64_t place)
{
	return PAGE + (off_t)(place % CACHE_RING);
}

/* Where an orderly end left it; 0: there was none, or it is used. */
static uint64_t
page_take(int fd)
{
	size_t n = sizeof(magic) - 1;
	unsigned char page[64] = { 0 };
	struct cursor c;
	uint64_t next = 0;

	if (fd_pread_all(fd, page, n + 8, 0) == 0 &&
	    memcmp(page, magic, n) == 0) {
		cursor_init(&c, page + n, 8);
		next = cursor_u64(&c);
	}
	memset(page, 0, sizeof(page));
	if (pwrite(fd, page, sizeof(page), 0) != sizeof(page))
		return 0;
	return next;
}

void
index_cache_open(const char *home, uint64_t epoch)
{
	char path[1100];

	snprintf(path, sizeof(path), "%s/ring", home);
	ring.n_recent = 0;
	ring.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (ring.fd != -1 && (ring.next = page_take(ring.fd)) == 0) {
		/* Above the places of all earlier starts. */
		ring.next = epoch << 32;
		if (ftruncate(ring.fd, 0) == -1)
			fd_close(&ring.fd);
	}
	if (ring.fd == -1)
		log_warn("%s: %s; large cache records are not kept", path,
		    strerror(errno));
}

void
index_cache_close(void)
{
	struct buf b = BUF_INIT(0);

	if (ring.fd == -1)
		return;
	buf_puts(&b, magic);
	buf_put_u64(&b, ring.next);
	if (pwrite(ring.fd, b.data, b.len, 0) != (ssize_t)b.len)
		log_warn("the ring of cache records is not kept");
	buf_clear(&b);
	fd_close(&ring.fd);
}

/* 1 where the record at that place is e's; it comes in space (PLACE + len). */
static int
read_entry(const struct entry *e, unsigned char *space)
{
	struct cursor c;

	if (ring.fd == -1 || fd_pread_all(ring.fd, space, PLACE + e->len,
	    offset_of(e->place)) == -1)
		return 0;
	cursor_init(&c, space, PLACE);
	return cursor_u64(&c) == e->place &&
	    crc32c(0, space + PLACE, e->len) == e->crc;
}

/* One that was written lately and is the same, octet for octet. */
static const struct entry *
find_same(const void *record, uint32_t len, uint32_t crc)
{
	const struct entry *e, *found = NULL;
	unsigned char *space = NULL;
	unsigned i, tries = 0;

	for (i = 0; i < RECENT && i < ring.n_recent && found == NULL; i++) {
		e = &ring.recent[i];
		if (e->len != len || e->crc != crc || tries++ == SAME_MAX)
			continue;
		if (space == NULL)
			space = mem_alloc(PLACE + len);
		if (read_entry(e, space) &&
		    memcmp(space + PLACE, record, len) == 0)
			found = e;
	}
	free(space);
	return found;
}

/* NULL where it cannot be written. */
static const struct entry *
add(const void *record, uint32_t len, uint32_t crc)
{
	struct entry *e = &ring.recent[ring.n_recent % RECENT];
	struct buf b = BUF_INIT(0);
	int ok;

	/* None goes over the end. */
	if (ring.next % CACHE_RING + PLACE + len > CACHE_RING)
		ring.next += CACHE_RING - ring.next % CACHE_RING;
	buf_put_u64(&b, ring.next);
	buf_append(&b, record, len);
	ok = pwrite(ring.fd, b.data, b.len, offset_of(ring.next)) ==
	    (ssize_t)b.len;
	if (ok) {
		*e = (struct entry){ ring.next, len, crc };
		ring.n_recent++;
		ring.next += b.len;
	}
	buf_clear(&b);
	return ok ? e : NULL;
}

void
index_cache_row(struct cache_row *r, const void *record, size_t len)
{
	struct buf b = { .data = (char *)r->ref, .cap = sizeof(r->ref),
		.max = sizeof(r->ref) - 1 };
	const struct entry *e = NULL;
	struct entry copy = { 0, 0, 0 };
	uint32_t crc;

	*r = (struct cache_row){ .p = record, .len = len };
	if (len > 0 && len <= CACHE_INLINE) {
		/* Nobody but we names places. */
		if (len == CACHE_REF && *(const unsigned char *)record == REF)
			r->len = 0;
		return;
	}
	r->len = 0;
	if (len == 0 || len > DOOR_CACHE_MAX)
		return;
	crc = crc32c(0, record, len);
	pthread_mutex_lock(&ring.lock);
	if (ring.fd != -1 &&
	    (e = find_same(record, (uint32_t)len, crc)) == NULL)
		e = add(record, (uint32_t)len, crc);
	if (e != NULL)
		copy = *e;
	pthread_mutex_unlock(&ring.lock);
	if (e == NULL)
		return;
	buf_put_u8(&b, REF);
	buf_put_u64(&b, copy.place);
	buf_put_u32(&b, copy.len);
	buf_put_u32(&b, copy.crc);
	r->p = r->ref;
	r->len = CACHE_REF;
}

int
index_cache_get(const void *row, size_t len, struct buf *out)
{
	unsigned char *space;
	struct cursor c;
	struct entry e;
	int r = -1;

	if (len != CACHE_REF || *(const unsigned char *)row != REF)
		return buf_append(out, row, len);
	cursor_init(&c, row, len);
	(void)cursor_u8(&c);
	e.place = cursor_u64(&c);
	e.len = cursor_u32(&c);
	e.crc = cursor_u32(&c);
	if (e.len > DOOR_CACHE_MAX)
		return -1;
	space = mem_alloc(PLACE + e.len);
	if (read_entry(&e, space))
		r = buf_append(out, space + PLACE, e.len);
	free(space);
	return r;
}
