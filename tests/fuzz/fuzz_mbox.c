/* An mbox: what its messages are does not depend on how it is read. */
#include <stdlib.h>
#include <string.h>

#include "ctl/box_dovecot.h"
#include "ctl/box_mbox.h"
#include "lib/mail/keyword_set.h"

struct file {
	const uint8_t *data;
	size_t	 size, most;		/* octets of one read */
	int	 within;		/* a message */
	uint64_t offset;		/* of the last one, + 1 */
	struct buf all;			/* all that it said */
};

static ssize_t
read_at(void *arg, void *p, size_t len, uint64_t offset)
{
	const struct file *f = arg;

	if (offset >= f->size)
		return 0;
	if (len > f->most)
		len = f->most;
	if (len > f->size - offset)
		len = f->size - (size_t)offset;
	memcpy(p, f->data + offset, len);
	return (ssize_t)len;
}

static int
begin(void *arg)
{
	struct file *f = arg;

	if (f->within)
		abort();
	f->within = 1;
	return 0;
}

static int
octets(void *arg, const char *p, size_t len)
{
	struct file *f = arg;

	if (!f->within)
		abort();
	buf_append(&f->all, p, len);
	return 0;
}

static int
end(void *arg, const struct mbox_message *m)
{
	struct file *f = arg;
	struct cursor c;
	const char *p;
	size_t len;

	if (!f->within || m->offset < f->offset || m->offset >= f->size)
		abort();
	f->within = 0;
	f->offset = m->offset + 1;
	cursor_init(&c, buf_str(&m->keywords), m->keywords.len);
	while (cursor_left(&c) > 0) {
		p = cursor_lv(&c, &len, SIZE_MAX);
		if (p == NULL || !keyword_ok(p, len))
			abort();
	}
	buf_put_u64(&f->all, (uint64_t)m->date);
	buf_put_u32(&f->all, m->flags);
	return 0;
}

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct file f[2] = {
		{ .data = data, .size = size, .most = SIZE_MAX },
		{ .data = data, .size = size, .most = 3 },
	};
	struct mbox_calls calls = { read_at, begin, octets, end, NULL };
	int i, r[2];

	for (i = 0; i < 2; i++) {
		buf_init(&f[i].all, 0);
		calls.arg = &f[i];
		r[i] = mbox_read(&calls);
		if (r[i] == -1 || f[i].within)
			abort();
	}
	if (r[0] != r[1] || f[0].all.len != f[1].all.len ||
	    (f[0].all.len > 0 && memcmp(f[0].all.data, f[1].all.data,
	    f[0].all.len) != 0))
		abort();
	/* Nothing is made up but what each message is told with. */
	if (f[0].all.len > 13 * size)
		abort();
	buf_clear(&f[0].all);
	buf_clear(&f[1].all);
	return 0;
}
