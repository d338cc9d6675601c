#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/packed.h"
#include "queue/queue_origin.h"
#include "queue/queue_table.h"

/* As it stands in the table and on the wire: one packed_origin. */
struct origin {
	uint32_t row;
	uint32_t len;
	char	*packed;
};

enum { VERSION = 1 };

static struct origin *rows;	/* by number */
static size_t n_rows, cap_rows;
static uint32_t last_row;
static size_t pending;

static void
add(uint32_t row, const void *p, size_t len)
{
	size_t at = n_rows;

	if (n_rows == cap_rows) {
		cap_rows = cap_rows * 2 + 64;
		rows = mem_realloc(rows, cap_rows, sizeof(*rows));
	}
	/* The numbers begin again some day. */
	while (at > 0 && rows[at - 1].row > row)
		at--;
	memmove(rows + at + 1, rows + at, (n_rows - at) * sizeof(*rows));
	rows[at] = (struct origin){ row, (uint32_t)len, mem_alloc(len) };
	memcpy(rows[at].packed, p, len);
	n_rows++;
}

/* Where the first row behind that number is. */
static size_t
behind(uint32_t row)
{
	size_t low = 0, high = n_rows, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (rows[mid].row <= row)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void
origin_load(uint32_t row, const void *p, size_t len)
{
	struct packed_origin o;
	struct cursor c;
	uint8_t version;

	cursor_init(&c, p, len);
	version = cursor_u8(&c);
	if (row > last_row)
		last_row = row;
	if (version < VERSION || packed_origin(&c, &o) != 1 || o.row != row) {
		log_warn("queue table: row %u of what was collected is "
		    "malformed", (unsigned)row);
		return;
	}
	/* What a later version has written behind it stays in the table. */
	add(row, (const char *)p + 1, len - 1 - cursor_left(&c));
}

static int
has_origin(const struct message *m)
{
	return m->env.origin == Q_ORIGIN_COLLECTOR &&
	    m->env.account[0] != '\0' && m->env.uidl[0] != '\0';
}

static int
pack(const struct message *m, struct buf *out)
{
	const struct envelope *e = &m->env;

	return packed_put_origin(out, &(struct packed_origin){
	    .row = m->origin, .id = m->id, .time = e->time,
	    .length = e->length,
	    .account = e->account, .account_len = strlen(e->account),
	    .key = e->uidl, .key_len = strlen(e->uidl),
	    .message_id = e->message_id,
	    .message_id_len = strlen(e->message_id) });
}

/* A number that no row has. */
static uint32_t
next_row(void)
{
	size_t at;

	do {
		if (++last_row == 0)
			last_row = 1;
		at = behind(last_row);
	} while (at > 0 && rows[at - 1].row == last_row);
	return last_row;
}

void
origin_write(struct message *m)
{
	static struct buf b;

	if (!has_origin(m))
		return;
	m->origin = next_row();
	pending++;
	buf_reset(&b);
	buf_put_u8(&b, VERSION);
	if (pack(m, &b) == -1)
		log_panic("the row of an origin cannot be packed");
	table_put(0, RECORD_ORIGIN, m->origin, b.data, b.len);
}

void
origin_durable(const struct message *m)
{
	struct buf b = BUF_INIT(0);

	if (m->origin == 0)
		return;
	pending--;
	if (pack(m, &b) == 0)
		add(m->origin, b.data, b.len);
	buf_clear(&b);
}

void
origin_failed(struct message *m)
{
	if (m->origin == 0)
		return;
	pending--;
	m->origin = 0;
}

int
origin_room(void)
{
	return n_rows + pending < Q_ORIGINS_MAX;
}

int
origin_pending(void)
{
	return pending > 0;
}

size_t
origin_count(void)
{
	return n_rows;
}

uint32_t
origin_list(uint32_t after, struct buf *out)
{
	size_t i = behind(after), n;
	uint32_t row = 0;

	for (n = 0; n < Q_ORIGINS_SLICE && i < n_rows; n++, i++) {
		buf_append(out, rows[i].packed, rows[i].len);
		row = rows[i].row;
	}
	return row;
}

static void
forget(uint32_t row)
{
	size_t at = behind(row);

	if (at == 0 || rows[at - 1].row != row)
		return;
	free(rows[at - 1].packed);
	memmove(rows + at - 1, rows + at, (n_rows - at) * sizeof(*rows));
	n_rows--;
}

int
origin_drop(const void *p, size_t len)
{
	struct cursor c;

	if (len % 4 != 0)
		return -1;
	table_begin();
	cursor_init(&c, p, len);
	while (cursor_left(&c) > 0)
		table_drop(0, RECORD_ORIGIN, cursor_u32(&c));
	/* They are dropped again when collect is told of them again. */
	if (table_commit(COMMIT_WRITTEN) == -1)
		return 0;
	cursor_init(&c, p, len);
	while (cursor_left(&c) > 0)
		forget(cursor_u32(&c));
	return 0;
}
