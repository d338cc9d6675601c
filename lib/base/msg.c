#include <errno.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/msg.h"
#include "lib/base/str.h"

static const char *const peer_names[PEER_COUNT] = {
#define PEER_ROW(id, name)	[PEER_##id] = name,
#include "lib/base/programs.def"
};

const char *
peer_name(enum peer p)
{
	return (unsigned)p < PEER_COUNT ? peer_names[p] : "unknown";
}

void
msg_begin(struct chan *c, const struct msg_proto *p, unsigned type, uint32_t id)
{
	if (type >= p->n || p->desc[type].name == NULL)
		log_panic("%s: no message %u", p->name, type);
	c->building = c->out.len;
	c->proto = p;
	if ((c->overflow = buf_reserve(&c->out, CHAN_HEADER) == -1))
		return;
	buf_put_u8(&c->out, CHAN_VERSION);
	buf_put_u8(&c->out, (uint8_t)type);
	buf_put_u8(&c->out, 0);
	buf_put_u8(&c->out, 0);
	buf_put_u32(&c->out, id);
	buf_put_u32(&c->out, 0);
}

void
msg_bytes(struct chan *c, uint8_t tag, const void *p, size_t len)
{
	if (len > CHAN_FRAME_MAX || buf_reserve(&c->out, 5 + len) == -1) {
		c->overflow = 1;
		return;
	}
	buf_put_u8(&c->out, tag);
	buf_put_lv(&c->out, p, len);
}

void
msg_u32(struct chan *c, uint8_t tag, uint32_t v)
{
	unsigned char p[4];
	size_t i;

	for (i = 0; i < sizeof(p); i++)
		p[i] = (unsigned char)(v >> (8 * i));
	msg_bytes(c, tag, p, sizeof(p));
}

void
msg_u64(struct chan *c, uint8_t tag, uint64_t v)
{
	unsigned char p[8];
	size_t i;

	for (i = 0; i < sizeof(p); i++)
		p[i] = (unsigned char)(v >> (8 * i));
	msg_bytes(c, tag, p, sizeof(p));
}

void
msg_text(struct chan *c, uint8_t tag, const char *s)
{
	msg_bytes(c, tag, s, strlen(s));
}

void
msg_words(struct chan *c, uint8_t tag, const char *s, size_t max)
{
	size_t i, len = strnlen(s, max), start = c->out.len;

	msg_bytes(c, tag, s, len);
	if (c->overflow)
		return;
	for (i = start + 5; i < c->out.len; i++)
		if (c->out.data[i] == '\r' || c->out.data[i] == '\n')
			c->out.data[i] = ' ';
}

void
msg_fd(struct chan *c, int fd)
{
	chan_attach(c, fd);
}

static const struct msg_field *
field_of(const struct msg_desc *d, uint8_t tag)
{
	const struct msg_field *f;

	for (f = d->fields; f != NULL && f->name != NULL; f++)
		if (f->tag == tag)
			return f;
	return NULL;
}

static const char *
field_fault(const struct msg_field *d, const char *p, size_t len)
{
	if (d->type == MSG_U32)
		return len == 4 ? NULL : "is no u32";
	if (d->type == MSG_U64)
		return len == 8 ? NULL : "is no u64";
	if (len > d->max)
		return "is too long";
	if (d->type == MSG_TEXT && !str_is_text(p, len))
		return "holds NUL, CR or LF";
	return NULL;
}

/* Checks a frame against the table and fills m in. */
static int
msg_check(struct msg *m, const struct msg_proto *p, unsigned type,
    unsigned nfds, const char *data, size_t len, struct buf *why)
{
	const struct msg_field *d;
	const char *fault, *s;
	struct cursor c;
	uint8_t tag;
	size_t n;

	m->type = type;
	m->present = 0;
	if (type >= p->n || p->desc[type].name == NULL) {
		buf_set(why, "%s: no message %u", p->name, type);
		return -1;
	}
	m->desc = &p->desc[type];
	if (nfds < m->desc->fds_min || nfds > m->desc->fds_max) {
		buf_set(why, "%s %s: %u descriptors", p->name, m->desc->name,
		    nfds);
		return -1;
	}
	cursor_init(&c, data, len);
	while (cursor_left(&c) > 0) {
		tag = cursor_u8(&c);
		s = cursor_lv(&c, &n, CHAN_FRAME_MAX);
		d = c.bad || tag == 0 || tag >= MSG_TAGS ? NULL :
		    field_of(m->desc, tag);
		fault = d == NULL ? "is unknown" : m->present & 1u << tag ?
		    "stands twice" : field_fault(d, s, n);
		if (fault != NULL) {
			buf_set(why, "%s %s: field %u (%s) %s", p->name,
			    m->desc->name, tag, d ? d->name : "?", fault);
			return -1;
		}
		m->present |= 1u << tag;
		m->f[tag].p = s;
		m->f[tag].len = (uint32_t)n;
	}
	for (d = m->desc->fields; d != NULL && d->name != NULL; d++)
		if (!d->optional && !msg_has(m, d->tag)) {
			buf_set(why, "%s %s: field %s is missing", p->name,
			    m->desc->name, d->name);
			return -1;
		}
	return 0;
}

int
msg_end(struct chan *c)
{
	size_t i, at = c->building, len, nfds = 0;
	struct buf why = BUF_INIT(300);
	struct msg m;

	for (i = c->n_out_fds; i > 0 && c->out_fds[i - 1].at == at; i--)
		nfds++;
	if (c->overflow) {
		chan_take_back(c);
		errno = ENOBUFS;
		return -1;
	}
	len = c->out.len - at - CHAN_HEADER;
	c->out.data[at + 2] = (char)nfds;
	for (i = 0; i < 4; i++)
		c->out.data[at + 8 + i] = (char)(len >> (8 * i));
	if (len > CHAN_FRAME_MAX || nfds > CHAN_FDS_MAX ||
	    msg_check(&m, c->proto, (uint8_t)c->out.data[at + 1],
	    (unsigned)nfds, c->out.data + at + CHAN_HEADER, len, &why) == -1) {
		log_warn("message not sent: %s", buf_str(&why));
		buf_clear(&why);
		chan_take_back(c);
		errno = EINVAL;
		return -1;
	}
	return 0;
}

int
msg_parse(struct msg *m, const struct msg_proto *p, enum peer from,
    const struct frame *f, struct buf *why)
{
	m->frame = *f;
	m->id = f->id;
	if (msg_check(m, p, f->type, f->nfds, f->data, f->len, why) == -1)
		goto bad;
	if (!(m->desc->from & PEER_BIT(from))) {
		buf_set(why, "%s %s: not for %s to send", p->name,
		    m->desc->name, peer_name(from));
		goto bad;
	}
	return 0;
bad:
	msg_done(m);
	errno = EBADMSG;
	return -1;
}

int
msg_next(struct msg *m, const struct msg_proto *p, enum peer from,
    struct chan *c, struct buf *why)
{
	struct frame f;
	int r = chan_next(c, &f);

	if (r == -1)
		buf_set(why, "%s: the framing is broken", p->name);
	if (r == 1 && msg_parse(m, p, from, &f, why) == -1)
		r = -1;
	return r;
}

int
msg_recv(struct msg *m, const struct msg_proto *p, enum peer from,
    struct chan *c, int timeout_ms, struct buf *why)
{
	struct frame f;
	int r = chan_recv(c, &f, timeout_ms);

	if (r == -1)
		buf_set(why, "%s: %s", p->name, strerror(errno));
	if (r == 1 && msg_parse(m, p, from, &f, why) == -1)
		r = -1;
	return r;
}

int
msg_has(const struct msg *m, uint8_t tag)
{
	return (m->present >> tag & 1) != 0;
}

const char *
msg_get(const struct msg *m, uint8_t tag, size_t *len_r)
{
	*len_r = msg_has(m, tag) ? m->f[tag].len : 0;
	return *len_r > 0 ? m->f[tag].p : NULL;
}

uint64_t
msg_get_u64(const struct msg *m, uint8_t tag)
{
	struct cursor c;

	if (!msg_has(m, tag) || m->f[tag].len != 8)
		return 0;
	cursor_init(&c, m->f[tag].p, 8);
	return cursor_u64(&c);
}

uint32_t
msg_get_u32(const struct msg *m, uint8_t tag)
{
	struct cursor c;

	if (!msg_has(m, tag) || m->f[tag].len != 4)
		return 0;
	cursor_init(&c, m->f[tag].p, 4);
	return cursor_u32(&c);
}

char *
msg_get_dup(const struct msg *m, uint8_t tag)
{
	size_t len;
	const char *p = msg_get(m, tag, &len);

	return mem_strndup(p != NULL ? p : "", len);
}

int
msg_get_fd(struct msg *m, unsigned i)
{
	int fd;

	if (i >= m->frame.nfds)
		return -1;
	fd = m->frame.fds[i];
	m->frame.fds[i] = -1;
	return fd;
}

void
msg_done(struct msg *m)
{
	frame_close_fds(&m->frame);
}
