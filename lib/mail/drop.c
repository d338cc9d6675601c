#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/drop.h"
#include "lib/mail/dsn.h"
#include "lib/mail/limits.h"

static const char magic[] = "rohrpost-drop ";
static const char head_format[] = "rohrpost-drop 1 %020" PRIu64 " %08" PRIx32
    "\n";

void
drop_name(char out[DROP_NAME_MAX], uid_t uid, unsigned slot)
{
	snprintf(out, DROP_NAME_MAX, "%lu.%u", (unsigned long)uid, slot);
}

void
drop_name_random(char out[DROP_NAME_MAX], uid_t uid, uint64_t n)
{
	snprintf(out, DROP_NAME_MAX, "%lu.%016" PRIx64, (unsigned long)uid, n);
}

static int
pack_options(const struct drop *d, struct buf *out)
{
	char words[DSN_NOTIFY_MAX];
	int r = 0;

	if (d->notify != 0)
		r = buf_printf(out, "N%s\n", dsn_notify_words(d->notify,
		    words));
	if (r == 0 && d->ret != 0)
		r = buf_printf(out, "R%s\n", dsn_ret_word(d->ret));
	if (r == 0 && d->envid != NULL)
		r = buf_printf(out, "V%s\n", d->envid);
	return r;
}

int
drop_pack(const struct drop *d, struct buf *out)
{
	char head[DROP_HEAD + 1] = "";
	size_t i, begin = out->len, len;
	const char *p;
	int r;

	r = buf_append(out, head, DROP_HEAD);
	if (r == 0)
		r = buf_printf(out, "F%s\nC%s\n", d->sender, d->caller);
	if (r == 0)
		r = pack_options(d, out);
	for (i = 0; r == 0 && i < d->n_to; i++)
		r = buf_printf(out, "T%s\n", d->to[i]);
	if (r == 0)
		r = buf_puts(out, "\n");
	if (r == 0)
		r = buf_append(out, d->message, d->len);
	if (r == -1)
		return -1;
	p = out->data + begin + DROP_HEAD;
	len = out->len - begin - DROP_HEAD;
	snprintf(head, sizeof(head), head_format, (uint64_t)len,
	    crc32c(0, p, len));
	memcpy(out->data + begin, head, DROP_HEAD);
	return 0;
}

/* The head against what is behind it. */
static enum drop_found
check_head(const char *p, size_t len)
{
	static const char none[DROP_HEAD];
	char head[DROP_HEAD + 1];

	if (len < DROP_HEAD || memcmp(p, none, DROP_HEAD) == 0)
		return DROP_CUT;
	snprintf(head, sizeof(head), head_format, (uint64_t)(len - DROP_HEAD),
	    crc32c(0, p + DROP_HEAD, len - DROP_HEAD));
	if (memcmp(p, head, DROP_HEAD) == 0)
		return DROP_WHOLE;
	return memcmp(p, magic, strlen(magic)) == 0 &&
	    memcmp(p + strlen(magic), "1 ", 2) != 0 ? DROP_NEWER :
	    DROP_DAMAGED;
}

/* What goes into a line of the dialogue. */
static int
is_address(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
			return 0;
	return len <= ADDRESS_MAX;
}

/* A line, whose LF has become NUL. 0, or -1. */
static int
take_line(struct drop *d, char *line, size_t len)
{
	if (len == 0 || !is_address(line + 1, len - 1))
		return -1;
	switch (line[0]) {
	case 'F':
		d->sender = line + 1;
		return 0;
	case 'C':
		d->caller = line + 1;
		return 0;
	case 'N':
		return dsn_notify(line + 1, len - 1, &d->notify);
	case 'R':
		return dsn_ret(line + 1, len - 1, &d->ret);
	case 'V':
		d->envid = line + 1;
		return dsn_envid_is(line + 1, len - 1) ? 0 : -1;
	case 'T':
		if (d->n_to == RECIPIENTS_MAX || len == 1)
			return -1;
		d->to[d->n_to++] = line + 1;
		return 0;
	default:
		return -1;
	}
}

/* The lines of the envelope; what is behind them. NULL: it has no end. */
static char *
take_envelope(struct drop *d, char *p, const char *end)
{
	char *lf;

	d->to = mem_zalloc(RECIPIENTS_MAX, sizeof(*d->to));
	while ((lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		*lf = '\0';
		if (lf == p)
			return lf + 1;
		if (take_line(d, p, (size_t)(lf - p)) == -1)
			break;
		p = lf + 1;
	}
	return NULL;
}

static int
is_complete(const struct drop *d)
{
	return d->sender != NULL && d->caller != NULL && d->n_to > 0;
}

enum drop_found
drop_unpack(char *p, size_t len, struct drop *d)
{
	enum drop_found r = check_head(p, len);
	char *end = p + len;

	*d = (struct drop){ .sender = NULL };
	if (r != DROP_WHOLE)
		return r;
	d->message = take_envelope(d, p + DROP_HEAD, end);
	if (d->message != NULL && is_complete(d)) {
		d->len = (size_t)(end - d->message);
		return DROP_WHOLE;
	}
	free(d->to);
	d->to = NULL;
	return DROP_DAMAGED;
}

int
drop_peek(char *p, size_t len, struct drop *d)
{
	*d = (struct drop){ .sender = NULL };
	if (len < DROP_HEAD || memcmp(p, magic, strlen(magic)) != 0)
		return -1;
	(void)take_envelope(d, p + DROP_HEAD, p + len);
	if (is_complete(d))
		return 0;
	free(d->to);
	d->to = NULL;
	return -1;
}
