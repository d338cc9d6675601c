#include <errno.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/mail/address.h"
#include "lib/mail/collect_proto.h"
#include "lib/mail/date.h"
#include "lib/mail/header.h"
#include "lib/mail/mark.h"
#include "lib/mail/multidrop.h"
#include "relay/fetch_file.h"

enum { WRITE_SIZE = 64 * 1024 };

void
fetch_file_init(struct fetch_file *m, const struct fetch_head *h, int fd,
    uint64_t largest)
{
	memset(m, 0, sizeof(*m));
	m->head = h;
	m->fd = fd;
	m->largest = largest;
	m->ends = 1;
	buf_init(&m->in, 0);
	buf_init(&m->recipients, CL_SECTION_MAX);
}

void
fetch_file_clear(struct fetch_file *m)
{
	buf_clear(&m->in);
	buf_clear(&m->recipients);
}

static void
write_out(struct fetch_file *m, const char *p, size_t len)
{
	if (m->error != 0 || len == 0)
		return;
	m->crc = crc32c(m->crc, p, len);
	m->length += len;
	if (fd_write_all(m->fd, p, len) == -1)
		m->error = errno;
}

static void
write_in(struct fetch_file *m)
{
	write_out(m, buf_str(&m->in), m->in.len);
	buf_reset(&m->in);
}

/* The first field, where it is Return-Path: its address, and its length. */
static size_t
take_sender(struct fetch_file *m)
{
	struct header_field f;
	struct header h;
	struct buf v = BUF_INIT(ADDRESS_MAX + 10);
	struct address a;
	size_t used;

	header_init(&h, buf_str(&m->in), m->in.len);
	if (!header_next(&h, &f) || !header_is(&f, "Return-Path"))
		return 0;
	if (header_value(&f, &v) == 0 &&
	    address_path(&a, buf_str(&v), v.len, &used) == ADDRESS_OK) {
		str_copy(m->sender, sizeof(m->sender), a.text);
		m->has_sender = 1;
	}
	buf_clear(&v);
	return f.len;
}

/* "<local@domain>", where it stands so. */
static void
take_message_id(struct fetch_file *m)
{
	struct header_field f;
	const char *p, *end, *gt;
	size_t i, n;

	if (!header_find(buf_str(&m->in), m->in.len, "Message-ID", &f))
		return;
	end = f.value + f.value_len;
	if ((p = memchr(f.value, '<', f.value_len)) == NULL ||
	    (gt = memchr(p, '>', (size_t)(end - p))) == NULL)
		return;
	n = (size_t)(gt - p) + 1;
	for (i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] >= 0x7f)
			return;
	if (n > MESSAGE_ID_MAX)
		return;
	memcpy(m->message_id, p, n);
	m->message_id[n] = '\0';
}

/* Whom the head names: the owner, or the one address that was found. */
static const char *
delivered_to(const struct fetch_file *m, unsigned n, char out[ADDRESS_MAX + 1])
{
	struct cursor c;
	const char *p;
	size_t len;

	if (m->head->owner != NULL)
		return m->head->owner;
	cursor_init(&c, buf_str(&m->recipients), m->recipients.len);
	if (n != 1 || (p = cursor_lv(&c, &len, ADDRESS_MAX)) == NULL)
		return NULL;
	memcpy(out, p, len);
	out[len] = '\0';
	return out;
}

/* RFC 5321 4.4 */
static void
put_received(const struct fetch_head *h, const char *to, struct buf *out)
{
	char date[DATE_TEXT];

	buf_printf(out, "Received: from %s ([%s%s])\r\n", h->from,
	    strchr(h->ip, ':') != NULL ? "IPv6:" : "", h->ip);
	buf_printf(out, "\tby %s " MARK_BY " with %s%s id %s", h->hostname,
	    h->with, h->tls[0] != '\0' ? "S" : "", h->id);
	if (h->tls[0] != '\0')
		buf_printf(out, "\r\n\t(%s)", h->tls);
	date_print_local(clock_now(), date);
	if (to != NULL)
		buf_printf(out, "\r\n\tfor <%s>; %s\r\n", to, date);
	else
		buf_printf(out, ";\r\n\t%s\r\n", date);
}

/* The header is there, or as much of it as is looked at. */
static void
start(struct fetch_file *m)
{
	struct buf head = BUF_INIT(0);
	char one[ADDRESS_MAX + 1];
	size_t skip = take_sender(m);
	unsigned n = 0;
	const char *to;

	m->started = 1;
	take_message_id(m);
	if (m->head->owner == NULL)
		n = multidrop(buf_str(&m->in), m->in.len, m->head->fields,
		    &m->recipients);
	to = delivered_to(m, n, one);
	buf_printf(&head, "Return-Path: <%s>\r\n", m->sender);
	m->forward = (uint32_t)head.len;
	if (to != NULL)
		buf_printf(&head, "Delivered-To: %s\r\n", to);
	m->final = (uint32_t)head.len;
	put_received(m->head, to, &head);
	write_out(m, head.data, head.len);
	buf_clear(&head);
	buf_consume(&m->in, skip);
	write_in(m);
}

/* Is the empty line behind the header there? Looks from octet `from` on. */
static int
is_whole(const struct buf *b, size_t from)
{
	const char *p = buf_str(b);
	size_t i;

	if (b->len >= 2 && memcmp(p, "\r\n", 2) == 0)
		return 1;
	for (i = from; i + 4 <= b->len; i++)
		if (memcmp(p + i, "\r\n\r\n", 4) == 0)
			return 1;
	return 0;
}

/* A line's end, with however many CRs; the last octet of a piece may be a CR
   whose LF is to come. */
static void
put_octet(struct fetch_file *m, char c)
{
	if (c == '\r') {
		m->cr++;
		return;
	}
	if (c == '\n') {
		m->cr = 0;
		buf_append(&m->in, "\r\n", 2);
		return;
	}
	for (; m->cr > 0; m->cr--)
		buf_putc(&m->in, ' ');
	buf_putc(&m->in, c == '\0' ? ' ' : c);
	m->eight_bit |= (unsigned char)c >> 7;
}

/* How many octets at p need no look: text of a line. */
static size_t
plain(struct fetch_file *m, const char *p, size_t len)
{
	size_t i;
	unsigned high = 0;

	for (i = 0; i < len && p[i] != '\r' && p[i] != '\n' && p[i] != '\0';
	    i++)
		high |= (unsigned char)p[i];
	m->eight_bit |= high >> 7;
	return i;
}

static void
put(struct fetch_file *m, const char *p, size_t len)
{
	size_t n;

	while (len > 0) {
		n = m->cr == 0 ? plain(m, p, len) : 0;
		buf_append(&m->in, p, n);
		if (n < len) {
			put_octet(m, p[n]);
			m->ends = p[n] == '\n';
			n++;
		} else {
			m->ends = 0;
		}
		p += n;
		len -= n;
	}
}

int
fetch_file_add(struct fetch_file *m, const char *p, size_t len)
{
	size_t from = m->in.len > 3 ? m->in.len - 3 : 0;

	m->came += len;
	if (m->came > m->largest)
		m->too_large = 1;
	if (m->too_large || m->error != 0)
		return -1;
	put(m, p, len);
	if (!m->started && (is_whole(&m->in, from) ||
	    m->in.len >= HEADER_BLOCK_MAX))
		start(m);
	else if (m->started && m->in.len >= WRITE_SIZE)
		write_in(m);
	return m->error == 0 ? 0 : -1;
}

int
fetch_file_end(struct fetch_file *m)
{
	if (m->too_large || m->error != 0)
		return -1;
	m->cr = 0;
	if (!m->ends)
		buf_append(&m->in, "\r\n", 2);
	if (!m->started)
		start(m);
	else
		write_in(m);
	if (m->error == 0 && fd_sync(m->fd) == -1)
		m->error = errno;
	return m->error == 0 ? 0 : -1;
}
