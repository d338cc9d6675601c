#include "config.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_rebuild_old.h"
#include "store/account_scan.h"
#include "store/body.h"

/* Of a scan. */
struct reading {
	struct account *a;
	struct found *found;
};

static int
old_row(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct reading *r = arg;
	uint32_t id = index_tail_u32(key, klen);
	struct index_row row;
	size_t i;

	if (index_get_row(value, vlen, &row) == -1)
		return 0;
	for (i = 0; i < r->found->boxes.n; i++) {
		if (r->found->mailbox[i].id != id)
			continue;
		r->found->mailbox[i].uidnext = row.uidnext;
		if (row.uidnext - 1 > r->found->mailbox[i].highest)
			r->found->mailbox[i].highest = row.uidnext - 1;
	}
	return 0;
}

/* A file that was moved away and could not be unlinked yet is no message. */
static int
old_note(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	uint64_t v = index_tail_u64(key, klen);
	struct reading *r = arg;
	struct found_mailbox *f = r->found->mailbox;
	struct found_message *m;
	size_t i;

	for (i = 0; i < r->found->boxes.n; i++, f++) {
		if (f->id != v >> 32 ||
		    (m = found_message(f, (uint32_t)v)) == NULL)
			continue;
		m->noted = 1;
	}
	return 0;
}

static void
leave_noted_out(struct found_mailbox *f)
{
	size_t i, n = 0;

	for (i = 0; i < f->n; i++)
		if (f->msg[i].noted)
			free(f->msg[i].own);
		else
			f->msg[n++] = f->msg[i];
	f->n = n;
}

static int
is_listed(const struct reading *r, uint32_t mailbox)
{
	size_t i;

	for (i = 0; i < r->found->boxes.n; i++)
		if (r->found->boxes.box[i].id == mailbox)
			return 1;
	return 0;
}

/* So is one whose target has its row: it is noted before its own goes. */
static int
old_move(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct reading *r = arg;
	struct index_key k;
	uint32_t mailbox;
	struct cursor c;

	cursor_init(&c, value, vlen);
	mailbox = cursor_u32(&c);
	if (!is_listed(r, cursor_u32(&c)))
		return 0;	/* the target is not there: it stays */
	while (cursor_left(&c) >= 4) {
		k = index_key_file(r->a->number, mailbox, cursor_u32(&c));
		engine_put(account_batch(r->a), ENGINE_CORE, k.k, k.len, "",
		    0);
	}
	return 0;
}

/* As far as the index knows; all where it does not know the mailbox. */
static int
was_message(const struct found_mailbox *f, const struct found_message *m)
{
	return f->uidnext == 0 || m->uid < f->uidnext || m->has_line;
}

static int
cmp_body(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
note_aside(struct old_aside *aside, uint32_t mailbox, uint32_t uid)
{
	if ((aside->n & (aside->n + 1)) == 0)
		aside->file = mem_realloc(aside->file, aside->n * 2 + 16,
		    sizeof(*aside->file));
	aside->file[aside->n++] = (struct old_file){ mailbox, uid };
}

static void
leave_out(struct found_mailbox *f, const uint64_t *bodies, size_t n_bodies,
    struct old_aside *aside)
{
	struct found_message *m;
	size_t i, n = 0;

	for (i = 0; i < f->n; i++) {
		m = &f->msg[i];
		if (was_message(f, m) || bsearch(&m->body, bodies, n_bodies,
		    sizeof(*bodies), cmp_body) == NULL)
			f->msg[n++] = *m;
		else
			note_aside(aside, f->id, m->uid);
	}
	f->n = n;
}

/*
 * A file from UIDNEXT on whose body is that of a message of this account was
 * left by a COPY that was killed. Any other one stays, for it may have come
 * from a backup.
 */
static void
leave_copies_out(struct found *found, struct old_aside *aside)
{
	struct found_mailbox *f = found->mailbox;
	size_t i, k, n = 0, all = 0, above = 0;
	uint64_t *bodies;

	for (i = 0; i < found->boxes.n; i++) {
		all += f[i].n;
		above += f[i].n > 0 && !was_message(&f[i],
		    &f[i].msg[f[i].n - 1]);
	}
	if (above == 0)
		return;
	bodies = mem_alloc((all + 1) * sizeof(*bodies));
	for (i = 0; i < found->boxes.n; i++)
		for (k = 0; k < f[i].n; k++)
			if (was_message(&f[i], &f[i].msg[k]))
				bodies[n++] = f[i].msg[k].body;
	qsort(bodies, n, sizeof(*bodies), cmp_body);
	for (i = 0; i < found->boxes.n; i++)
		leave_out(&f[i], bodies, n, aside);
	free(bodies);
}

int
old_read(struct account *a, struct found *found)
{
	struct reading r = { a, found };
	struct engine_scan s;

	if (account_number(a, 1) != ENGINE_DONE)
		return -1;
	index_scan_kind(&s, a->number, 'M');
	if (engine_scan(a->db, &s, old_row, &r) != ENGINE_DONE)
		return -1;
	index_scan_kind(&s, a->number, 'V');
	if (engine_scan(a->db, &s, old_move, &r) != ENGINE_DONE ||
	    account_commit(a) == -1)
		return -1;
	index_scan_kind(&s, a->number, 'R');
	return engine_scan(a->db, &s, old_note, &r) == ENGINE_DONE ? 0 : -1;
}

void
old_leave_out(struct found *found, struct old_aside *aside)
{
	size_t i;

	leave_copies_out(found, aside);
	for (i = 0; i < found->boxes.n; i++)
		leave_noted_out(&found->mailbox[i]);
}

int
old_aside_next(const struct account *a, struct old_aside *aside, size_t max)
{
	const struct old_file *f;

	for (; max > 0 && aside->at < aside->n; max--) {
		f = &aside->file[aside->at++];
		(void)body_aside(a->path, f->mailbox, f->uid);
	}
	return aside->at < aside->n;
}

void
old_aside_clear(struct old_aside *aside)
{
	free(aside->file);
	*aside = (struct old_aside){ NULL, 0, 0 };
}
