#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/collect_account.h"

enum { RECORD_MAX = 8192 };

uint32_t
collect_port(uint32_t kind, uint32_t security)
{
	if (kind == CL_POP3)
		return security == CL_TLS ? 995 : 110;
	return security == CL_TLS ? 993 : 143;
}

static void
put_text(struct buf *b, const char *s)
{
	buf_put_lv(b, s, strlen(s));
}

int
collect_put(struct buf *out, const struct collect_account *a)
{
	struct buf b = BUF_INIT(RECORD_MAX);
	int r;

	put_text(&b, a->name);
	buf_put_u32(&b, a->kind);
	buf_put_u32(&b, a->security);
	put_text(&b, a->host);
	buf_put_u32(&b, a->port);
	put_text(&b, a->login);
	put_text(&b, a->password);
	put_text(&b, a->owner);
	put_text(&b, a->fields);
	buf_put_u32(&b, a->keep);
	buf_put_u32(&b, a->days);
	buf_put_u64(&b, (uint64_t)a->confirmed);
	buf_put_u32(&b, a->every);
	buf_put_u64(&b, a->largest);
	buf_put_u32(&b, a->options);
	r = buf_put_u32(&b, a->least);
	if (r == 0)
		r = buf_put_lv(out, b.data, b.len);
	buf_wipe(&b);
	return r;
}

/* A text of a record; what is too long or none makes the cursor bad. */
static void
get_text(struct cursor *c, char *to, size_t size)
{
	size_t len;
	const char *p = cursor_lv(c, &len, size - 1);

	if (c->bad || !str_is_text(p, len)) {
		c->bad = 1;
		len = 0;
	}
	if (len > 0)
		memcpy(to, p, len);
	to[len] = '\0';
}

#define GET_TEXT(c, member) get_text(c, member, sizeof(member))

static int
is_sound(const struct collect_account *a)
{
	return cl_is_key(a->name, strlen(a->name)) && a->host[0] != '\0' &&
	    a->owner[0] != '\0' && (a->kind == CL_POP3 || a->kind == CL_IMAP) &&
	    a->security >= CL_TLS && a->security <= CL_PLAIN &&
	    a->port > 0 && a->port <= 65535 &&
	    a->keep <= COLLECT_KEEP_NOTHING &&
	    a->every >= COLLECT_EVERY_MIN && a->every <= COLLECT_EVERY_MAX &&
	    a->least <= COLLECT_EVERY_MAX;
}

int
collect_get(struct cursor *all, struct collect_account *a)
{
	struct cursor c;
	const char *p;
	size_t len;

	if (!all->bad && cursor_left(all) == 0)
		return 0;
	p = cursor_lv(all, &len, RECORD_MAX);
	cursor_init(&c, p, all->bad ? 0 : len);
	GET_TEXT(&c, a->name);
	a->kind = cursor_u32(&c);
	a->security = cursor_u32(&c);
	GET_TEXT(&c, a->host);
	a->port = cursor_u32(&c);
	GET_TEXT(&c, a->login);
	GET_TEXT(&c, a->password);
	GET_TEXT(&c, a->owner);
	GET_TEXT(&c, a->fields);
	a->keep = cursor_u32(&c);
	a->days = cursor_u32(&c);
	a->confirmed = (int64_t)cursor_u64(&c);
	a->every = cursor_u32(&c);
	a->largest = cursor_u64(&c);
	a->options = cursor_u32(&c);
	/* Files of versions before it end here. */
	a->least = !c.bad && cursor_left(&c) > 0 ? cursor_u32(&c) : 0;
	if (c.bad || all->bad || !is_sound(a)) {
		all->bad = 1;
		return -1;
	}
	return 1;
}
