/*
 * One mailbox: what is there is listed first, without a message; then it is
 * held against what was brought before.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "relay/migrate.h"

static void
on_message(void *ctx, const struct imap_message *m)
{
	struct box *b = ctx;
	struct source_message *s;
	size_t i;

	if (!m->has_flags)
		return;
	if (b->n == MIGRATE_LIST_MAX) {
		b->too_many = 1;
		return;
	}
	if (b->n == b->cap) {
		b->cap = b->cap == 0 ? 256 : b->cap * 2;
		b->v = mem_realloc(b->v, b->cap, sizeof(*b->v));
	}
	s = &b->v[b->n++];
	*s = (struct source_message){ .uid = m->uid, .flags = m->flags,
		.date = m->date, .has_date = m->has_date,
		.size = m->has_size ? m->size : 0 };
	for (i = 0; i < m->n_keywords; i++)
		s->keywords |= state_keyword(&b->g->state, b->state,
		    m->keywords[i]->p, m->keywords[i]->len);
}

static void
on_vanished(void *ctx, uint32_t first, uint32_t last)
{
	struct box *b = ctx;

	if (b->n_vanished == MIGRATE_LIST_MAX) {
		b->too_many = 1;
		return;
	}
	if (b->n_vanished == b->cap_vanished) {
		b->cap_vanished = b->cap_vanished == 0 ? 16 :
		    b->cap_vanished * 2;
		b->vanished = mem_realloc(b->vanished, b->cap_vanished,
		    sizeof(*b->vanished));
	}
	b->vanished[b->n_vanished++] = (struct source_range){ first, last };
}

static const struct imap_fetched listing = {
	.message = on_message, .vanished = on_vanished,
};

/* By uid; of one that was told twice the word with a date, or the last. */
static int
by_uid(const void *a, const void *b)
{
	const struct source_message *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return y->has_date - x->has_date;
}

static void
tidy(struct box *b)
{
	size_t i, n = 0;

	if (b->n > 0)
		qsort(b->v, b->n, sizeof(*b->v), by_uid);
	for (i = 0; i < b->n; i++)
		if (n == 0 || b->v[n - 1].uid != b->v[i].uid)
			b->v[n++] = b->v[i];
	b->n = n;
}

static enum step
pass(struct migrate *g, const char *words)
{
	buf_set(&g->words, "%s", words);
	return STEP_PASS;
}

/* Its number in the state; it is known there under one UIDVALIDITY for ever. */
static enum step
known(struct box *b)
{
	struct migrate *g = b->g;
	int n = state_box_find(&g->state, b->src->wire);

	if (n != -1 && g->state.box[n].uidvalidity != b->there.uidvalidity)
		return pass(g, "it was numbered anew there (UIDVALIDITY): "
		    "what was brought before cannot be told from what is new");
	if (n == -1)
		n = state_box_add(&g->state, b->src->wire,
		    b->there.uidvalidity);
	if (n == -1)
		return pass(g, "there are too many mailboxes");
	b->state = (unsigned)n;
	return STEP_DONE;
}

/* EXAMINE, and what it tells by itself. */
static enum step
examine(struct box *b)
{
	struct migrate *g = b->g;
	int n = state_box_find(&g->state, b->src->wire);
	uint32_t uidvalidity = 0;
	uint64_t since = 0;
	enum imap_result r;

	if (n != -1) {
		b->state = (unsigned)n;
		uidvalidity = g->state.box[n].uidvalidity;
		/* What vanished while nobody wanted it removed is told once
		   alone. */
		since = g->flags & MG_DELETE ? 0 : g->state.box[n].modseq;
	}
	r = imap_examine(&g->imap, b->src->wire, uidvalidity, since,
	    &b->there, &listing, b, &b->told);
	if (r != IMAP_OK)
		return migrate_there(g, r);
	if (!b->told)
		b->n = 0;
	return known(b);
}

/* The messages from that uid on. "7:*" is the last one, too, where it is
   below 7. */
static enum step
list(struct box *b)
{
	static const char items[] = "UID FLAGS INTERNALDATE RFC822.SIZE";
	struct state_box *sb = &b->g->state.box[b->state];
	struct imap_client *c = &b->g->imap;
	uint32_t first = 1;
	char set[24];

	(void)state_find(sb, 0);	/* by uid from here on */
	if (b->told && sb->n > 0)
		first = sb->m[sb->n - 1].uid + 1;
	if (b->there.messages == 0 || first == 0)
		return STEP_DONE;
	snprintf(set, sizeof(set), "%" PRIu32 ":*", first);
	return migrate_there(b->g, imap_fetch_wait(c, imap_fetch_send(c, set,
	    items), &listing, b));
}

/* The mailbox here. It gets the numbers of there before its first message. */
static enum step
adopt(struct box *b)
{
	struct migrate *g = b->g;
	struct state_box *sb = &g->state.box[b->state];
	uint32_t attrs = b->src->uses |
	    (b->src->subscribed ? ATTR_SUBSCRIBED : 0);
	uint32_t v = sb->n == 0 ? b->there.uidvalidity : 0;

	if (door_adopt(&g->door, b->name, attrs, v, 0, &b->here) == -1 &&
	    (v == 0 || door_error(&g->door) != D_REFUSED ||
	    door_adopt(&g->door, b->name, attrs, 0, 0, &b->here) == -1))
		return migrate_here(g);
	b->keep = b->here.uidvalidity == b->there.uidvalidity;
	/* Removed and made anew, or another now has the special use. */
	state_here(&g->state, b->state, b->here.id);
	return migrate_keep(g);
}

/* All that was there is here. */
static enum step
whole(struct box *b)
{
	struct migrate *g = b->g;
	struct door_mailbox m = { .name = NULL };

	/* What comes here from now on has uids that were never used there. */
	if (b->keep && b->there.uidnext > 1) {
		if (door_adopt(&g->door, b->name, 0, 0, b->there.uidnext,
		    &m) == -1 && door_error(&g->door) != D_REFUSED)
			return migrate_here(g);
		free(m.name);
	}
	/* What was left there is looked for again. */
	state_whole(&g->state, b->state,
	    b->left == 0 ? b->there.highestmodseq : 0);
	return migrate_keep(g);
}

/* What a run would do. */
static void
count(struct box *b)
{
	struct state_box *sb = &b->g->state.box[b->state];
	struct state_message *m;
	size_t i;

	for (i = 0; i < b->n; i++) {
		m = state_find(sb, b->v[i].uid);
		if (m == NULL) {
			b->brought++;
			b->octets += b->v[i].size;
		} else if (!m->gone && (m->flags != b->v[i].flags ||
		    m->keywords != b->v[i].keywords)) {
			b->changed++;
		}
	}
}

static enum step
run(struct box *b)
{
	enum step r;

	if ((r = examine(b)) != STEP_DONE || (r = list(b)) != STEP_DONE)
		return r;
	if (b->too_many)
		return pass(b->g, "it has too many messages");
	tidy(b);
	/* Some servers list so many and no more. */
	b->cut = !b->told && b->n < b->there.messages;
	if (b->g->flags & MG_DRY) {
		count(b);
		return STEP_DONE;
	}
	if ((r = adopt(b)) != STEP_DONE || (r = migrate_flags(b)) != STEP_DONE)
		return r;
	if (b->g->flags & MG_DELETE && !b->cut &&
	    (r = migrate_gone(b)) != STEP_DONE)
		return r;
	if ((r = migrate_bring(b)) != STEP_DONE)
		return r;
	return b->cut ? pass(b->g, "the server did not list all that it says "
	    "is there") : whole(b);
}

enum step
migrate_box(struct migrate *g, const struct imap_mailbox *src,
    const char *name)
{
	struct box b = { .g = g, .src = src, .name = name };
	enum step r;

	tell_progress(g, name, 0, 0);
	r = run(&b);
	if (r == STEP_PASS)
		g->part = 1;
	tell_mailbox(g, &b, r == STEP_PASS ? buf_str(&g->words) :
	    r == STEP_END ? "" : NULL);
	/* What is known by now is kept, whatever ended it. */
	if (r != STEP_DONE && migrate_keep(g) == STEP_END)
		r = STEP_END;
	free(b.v);
	free(b.vanished);
	free(b.here.name);
	return r;
}
