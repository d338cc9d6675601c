#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/box_put.h"
#include "ctl/ctl_door.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/mail/door_proto.h"

enum { CHUNK = 64 * 1024 };

static int
said(struct box_put *p)
{
	if (door_error(p->door) == D_EXISTS)
		p->status = ctl_fail(CTL_LATER, _("%s: mail has come in "
		    "meanwhile; the same command again goes on"), p->name);
	else
		p->status = door_said(p->door, p->name == NULL ? "store" :
		    p->name);
	return -1;
}

/* The ids of one mailbox. */
static int
learn_mailbox(struct box_put *p, uint32_t id)
{
	struct buf packed = BUF_INIT(0);
	struct door_record *rec;
	uint32_t *gone, *uids;
	uint64_t modseq;
	size_t n, n_gone, i, k, at;
	int complete, r = 0;

	if (door_records(p->door, id, 0, &rec, &n, &gone, &n_gone, &modseq,
	    &complete) == -1)
		return -1;
	uids = mem_zalloc(n + 1, sizeof(*uids));
	for (i = 0; i < n; i++)
		uids[i] = rec[i].uid;
	for (i = 0; i < n && r == 0; i += k) {
		k = n - i < DOOR_CHANGE_MAX ? n - i : DOOR_CHANGE_MAX;
		r = door_ids(p->door, id, uids + i, k, &packed);
		for (at = 4; r == 0 && at + DOOR_ID <= packed.len;
		    at += 4 + DOOR_ID)
			(void)box_ids_add(&p->there,
			    (unsigned char *)packed.data + at);
	}
	buf_clear(&packed);
	free(uids);
	free(rec);
	free(gone);
	return r;
}

int
box_put_init(struct box_put *p, struct door *d, int dry)
{
	struct door_mailbox *list;
	size_t n, i;
	int r = 0;

	memset(p, 0, sizeof(*p));
	p->door = d;
	p->dry = dry;
	p->fd = -1;
	p->progress = isatty(STDERR_FILENO);
	p->list = mem_zalloc(BOX_BATCH, sizeof(*p->list));
	p->file = mem_zalloc(BOX_BATCH, sizeof(*p->file));
	buf_init(&p->out, 0);
	if (door_list(d, &list, &n) == -1)
		return said(p);
	for (i = 0; i < n && r == 0; i++)
		if (list[i].messages > 0)
			r = learn_mailbox(p, list[i].id);
	door_list_free(&list, n);
	return r == -1 ? said(p) : 0;
}

/* What a batch holds of its messages. */
static void
drop_batch(struct box_put *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (p->list[i].m.keywords != NULL)
			free(p->list[i].m.keywords[0]);
		free(p->list[i].m.keywords);
	}
	memset(p->list, 0, BOX_BATCH * sizeof(*p->list));
	p->n = 0;
	p->octets = 0;
}

void
box_put_clear(struct box_put *p)
{
	box_put_cancel(p);
	drop_batch(p);
	free(p->list);
	free(p->file);
	free(p->name);
	buf_clear(&p->out);
	box_ids_clear(&p->there);
}

static void
show_progress(const struct box_put *p)
{
	struct buf plain = BUF_INIT(0);

	if (!p->progress)
		return;
	(void)out_plain(&plain, p->name, strlen(p->name));
	fprintf(stderr, "\r%.50s %llu\033[K", buf_str(&plain),
	    (unsigned long long)p->imported);
	buf_clear(&plain);
}

static int
flush(struct box_put *p)
{
	uint32_t uid, uidvalidity;

	if (p->n == 0)
		return 0;
	if (door_import(p->door, p->id, p->list, p->n, &uid,
	    &uidvalidity) == -1)
		return said(p);
	p->imported += p->n;
	drop_batch(p);
	show_progress(p);
	return 0;
}

/* A trial makes nothing: it looks what is there. */
static int
look_at(struct box_put *p, uint32_t uidvalidity)
{
	struct door_mailbox *list;
	size_t n, i;

	p->keeps = uidvalidity != 0;
	p->next = 1;
	if (door_list(p->door, &list, &n) == -1)
		return said(p);
	for (i = 0; i < n; i++)
		if (strcmp(list[i].name, p->name) == 0 &&
		    !(list[i].attrs & ATTR_NOSELECT)) {
			p->next = list[i].uidnext;
			p->keeps = uidvalidity != 0 && (p->next == 1 ||
			    list[i].uidvalidity == uidvalidity);
		}
	door_list_free(&list, n);
	return 0;
}

int
box_put_mailbox(struct box_put *p, const char *name, uint32_t attrs,
    uint32_t uidvalidity)
{
	struct door_mailbox m;

	if (flush(p) == -1)
		return -1;
	free(p->name);
	p->name = mem_strdup(name);
	if (p->dry)
		return look_at(p, uidvalidity);
	if (door_adopt(p->door, name, attrs, uidvalidity, 0, &m) == -1) {
		/* A number without room above it: it has one of our own. */
		if (door_error(p->door) != D_REFUSED || door_adopt(p->door,
		    name, attrs, 0, 0, &m) == -1)
			return said(p);
	}
	p->id = m.id;
	p->next = m.uidnext;
	p->keeps = uidvalidity != 0 && m.uidvalidity == uidvalidity;
	return 0;
}

int
box_put_mailbox_end(struct box_put *p, uint32_t uidnext)
{
	struct door_mailbox m;

	if (flush(p) == -1)
		return -1;
	if (p->dry || !p->keeps || uidnext <= p->next)
		return 0;
	if (door_adopt(p->door, p->name, 0, 0, uidnext, &m) == -1 &&
	    door_error(p->door) != D_REFUSED)
		return said(p);
	return 0;
}

int
box_put_known(struct box_put *p, const unsigned char *id)
{
	if (!box_ids_has(&p->there, id))
		return 0;
	p->known++;
	return 1;
}

int
box_put_begin(struct box_put *p)
{
	box_put_cancel(p);
	p->size = 0;
	p->crc = 0;
	p->cr = p->failed = 0;
	memset(&p->header, 0, sizeof(p->header));
	memset(&p->tail, 0, sizeof(p->tail));
	if (p->dry)
		return 0;
	return door_file(p->door, &p->fd, p->file[p->n]) == -1 ? said(p) : 0;
}

static void
write_out(struct box_put *p)
{
	const char *data = buf_str(&p->out);

	p->crc = crc32c(p->crc, data, p->out.len);
	p->size += p->out.len;
	mime_header_more(&p->header, data, p->out.len);
	door_tail_add(&p->tail, data, p->out.len);
	if (p->fd != -1 && p->failed == 0 &&
	    fd_write_all(p->fd, data, p->out.len) == -1)
		p->failed = errno;
	buf_reset(&p->out);
}

void
box_put_octets(struct box_put *p, const char *data, size_t len)
{
	const char *lf;
	size_t n;

	while (len > 0) {
		if (p->size > BOX_MESSAGE_MAX)
			return;
		lf = memchr(data, '\n', len);
		n = lf == NULL ? len : (size_t)(lf - data);
		if (n > 0)
			p->cr = data[n - 1] == '\r';
		buf_append(&p->out, data, n);
		if (lf != NULL) {
			buf_append(&p->out, p->cr ? "\n" : "\r\n",
			    p->cr ? 1 : 2);
			p->cr = 0;
			n++;
		}
		data += n;
		len -= n;
		if (p->out.len >= CHUNK)
			write_out(p);
	}
}

static char **
keyword_list(const struct buf *packed)
{
	struct buf names = BUF_INIT(0);
	struct cursor c;
	const char *s;
	char **list;
	size_t len, n = 0, i, at = 0;

	if (packed == NULL || packed->len == 0)
		return NULL;
	cursor_init(&c, packed->data, packed->len);
	for (; cursor_left(&c) > 0 &&
	    (s = cursor_lv(&c, &len, DOOR_KEYWORD_LEN)) != NULL; n++) {
		buf_append(&names, s, len);
		buf_putc(&names, '\0');
	}
	list = mem_zalloc(n + 1, sizeof(*list));
	for (i = 0; i < n; i++) {
		list[i] = names.data + at;
		at += strlen(list[i]) + 1;
	}
	if (n > 0)
		return list;
	buf_clear(&names);
	free(list);
	return NULL;
}

static uint32_t
place(struct box_put *p, uint32_t wanted)
{
	if (!p->keeps)
		wanted = 0;
	if (wanted != 0 && wanted < p->next) {
		wanted = 0;
		p->renumbered++;
	}
	p->next = (wanted != 0 ? wanted : p->next) + 1;
	return wanted;
}

int
box_put_end(struct box_put *p, const struct box_message *m)
{
	struct door_imported *i = &p->list[p->n];

	write_out(p);
	if (p->size > BOX_MESSAGE_MAX) {
		box_put_skip(p, "", _("the message is too large"));
		box_put_cancel(p);
		return 0;
	}
	if (!box_ids_add(&p->there, m->id)) {
		p->known++;
		box_put_cancel(p);
		return 0;
	}
	if (p->dry) {
		p->imported++;
		return 0;
	}
	if (p->failed == 0 && close(p->fd) == -1)
		p->failed = errno;
	p->fd = -1;
	if (p->failed != 0) {
		p->status = ctl_fail(CTL_LATER, "%s: %s", p->name,
		    strerror(p->failed));
		return -1;
	}
	i->m = (struct door_appended){ p->file[p->n], p->size, p->crc,
	    (uint32_t)p->header.len, m->flags | door_tail_mark(&p->tail),
	    keyword_list(m->keywords), m->date };
	i->uid = place(p, m->uid);
	memcpy(i->id, m->id, DOOR_ID);
	p->n++;
	p->octets += p->size;
	return p->n == BOX_BATCH || p->octets >= BOX_BATCH_OCTETS ? flush(p) :
	    0;
}

void
box_put_cancel(struct box_put *p)
{
	buf_reset(&p->out);
	if (p->fd == -1)
		return;
	fd_close(&p->fd);
	(void)door_file_back(p->door, p->file[p->n]);
}

void
box_put_skip(struct box_put *p, const char *what, const char *why)
{
	struct buf words = BUF_INIT(0);

	if (p->skipped++ < BOX_SKIPPED_TOLD) {
		if (p->progress)
			fputs("\r\033[K", stderr);
		(void)out_plain(&words, p->name == NULL ? "" : p->name,
		    p->name == NULL ? 0 : strlen(p->name));
		if (words.len > 0 && *what != '\0')
			buf_puts(&words, ": ");
		(void)out_plain(&words, what, strlen(what));
		ctl_fail(0, _("left out: %s: %s"), buf_str(&words), why);
	}
	buf_clear(&words);
}

void
box_put_report(const struct box_put *p)
{
	if (p->progress)
		fputs("\r\033[K", stderr);
	printf(p->dry ? _("%llu messages would be imported, %llu are there "
	    "already, %llu are left out\n") : _("%llu messages are imported, "
	    "%llu were there already, %llu are left out\n"),
	    (unsigned long long)p->imported, (unsigned long long)p->known,
	    (unsigned long long)p->skipped);
	if (p->renumbered > 0)
		printf(_("%llu have a new UID, for theirs was taken "
		    "already\n"), (unsigned long long)p->renumbered);
}
