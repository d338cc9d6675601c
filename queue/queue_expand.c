/*
 * A walk in depth over the aliases, with a set of what was seen. An address
 * on the present path is a loop; one that was finished before has brought its
 * targets already, and merges.
 *
 * An address that reached nothing but the path above it leads where that
 * leads, which is known only later: it keeps the outermost address that it
 * came back to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/proto.h"
#include "lib/mail/result.h"
#include "queue/queue_expand.h"

enum seen_state {
	SEEN_PATH,		/* being expanded: here again is a loop */
	SEEN_REACHED,		/* done; leads to a target at least */
	SEEN_NOTHING,		/* done; leads nowhere but to loop */
};

struct seen {
	struct seen *next;
	struct seen *loop;	/* further out than this one; or NULL */
	uint8_t	 state;
	uint8_t	 depth;
	char	 key[];		/* kind, then address or owner */
};

enum { SEEN_SLOTS = 256 };

struct expansion {
	struct tables *tables;
	struct buf texts;	/* of the targets, each with its NUL */
	struct raw {
		size_t	 address, way;	/* offsets in texts */
		size_t	 owner;		/* the same; NO_OWNER */
		uint32_t rcpt;
		uint8_t	 kind, forwarded, done;
	} *raw;
	size_t	 n, cap;
	struct seen *seen[SEEN_SLOTS];
	struct seen *loop;	/* the outermost that was come back to */
	size_t	 n_seen;
	size_t	 max;		/* of n for what aliases bring */
	uint32_t rcpt;
	int	 depth, cut, error;
	int	 null;		/* the sender is <> */
	int	 unsent;	/* the same: nobody is told of a failure */
	size_t	 owner;		/* of the list that is followed; NO_OWNER */
	int	 lists;		/* recipients that are lists are expanded now, */
	int	 is_list;	/* and this one is one */
};

#define NO_OWNER SIZE_MAX

enum { SEEN_MAX = 2 * TARGETS_MAX };

static struct seen **
seen_slot(struct expansion *x, char kind, const char *key)
{
	uint32_t h = 2166136261u ^ (unsigned char)kind;
	const char *p;

	for (p = key; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return &x->seen[h % SEEN_SLOTS];
}

static struct seen *
seen_find(struct expansion *x, char kind, const char *key)
{
	struct seen *s;

	for (s = *seen_slot(x, kind, key); s != NULL; s = s->next)
		if (s->key[0] == kind && strcmp(s->key + 1, key) == 0)
			return s;
	return NULL;
}

static struct seen *
seen_add(struct expansion *x, char kind, const char *key, enum seen_state st)
{
	struct seen **slot = seen_slot(x, kind, key), *s;
	size_t len = strlen(key);

	s = mem_alloc(sizeof(*s) + len + 2);
	s->key[0] = kind;
	memcpy(s->key + 1, key, len + 1);
	s->loop = NULL;
	s->state = (uint8_t)st;
	s->depth = (uint8_t)x->depth;
	s->next = *slot;
	*slot = s;
	x->n_seen++;
	return s;
}

/* Forgets the last one that was added. */
static void
seen_drop(struct expansion *x, struct seen *s)
{
	*seen_slot(x, s->key[0], s->key + 1) = s->next;
	x->n_seen--;
	free(s);
}

static size_t
text_add(struct expansion *x, const char *s)
{
	size_t at = x->texts.len;

	buf_append(&x->texts, s, strlen(s) + 1);
	return at;
}

static void
target_add(struct expansion *x, enum target_kind kind, const char *address,
    const char *way)
{
	struct raw *r;

	if (x->n == x->cap) {
		x->cap = x->cap * 2 + 4;
		x->raw = mem_realloc(x->raw, x->cap, sizeof(*x->raw));
	}
	r = &x->raw[x->n++];
	r->address = text_add(x, address);
	r->way = text_add(x, way);
	r->owner = x->owner;
	r->rcpt = x->rcpt;
	r->kind = (uint8_t)kind;
	r->forwarded = x->depth > 0;
	r->done = 0;
}

static int expand_address(struct expansion *x, const char *address);

/* Follows the targets of an alias; what they reach. */
static int
expand_alias(struct expansion *x, const struct buf *list)
{
	char address[ADDRESS_MAX + 1];
	struct cursor c;
	const char *p;
	int reached = 0;
	size_t len;

	cursor_init(&c, list->data, list->len);
	x->depth++;
	while (cursor_left(&c) > 0 && !x->error) {
		p = cursor_lv(&c, &len, ADDRESS_MAX);
		if (c.bad)
			break;
		memcpy(address, p, len);
		address[len] = '\0';
		reached |= expand_address(x, address);
	}
	x->depth--;
	return reached;
}

static void
expand_remote(struct expansion *x, const char *address)
{
	const char *at = strrchr(address, '@');
	char domain[DOMAIN_MAX + 1];

	if (at == NULL || at[1] == '\0' ||
	    str_copy(domain, sizeof(domain), at + 1) == -1) {
		target_add(x, TARGET_FAILED, address, "5.1.3 bad address");
		return;
	}
	str_tolower(domain, strlen(domain));
	target_add(x, TARGET_REMOTE, address, domain);
}

/* One copy for a mailbox. */
static void
expand_user(struct expansion *x, const char *address, const char *owner)
{
	if (seen_find(x, 'u', owner) != NULL)
		return;
	seen_add(x, 'u', owner, SEEN_REACHED);
	target_add(x, TARGET_LOCAL, address, owner);
}

static int	expand_address(struct expansion *x, const char *address);

/*
 * What was taken for an account that has another name now is for that one. A
 * report to a name of ours that has no mailbox: a system user sent what it
 * is about. It is for whoever runs the system, rather than for nobody.
 */
static int
expand_absent(struct expansion *x, const char *address)
{
	char postmaster[sizeof("postmaster") + ADDRESS_MAX];
	struct buf name = BUF_INIT(ADDRESS_MAX);
	const char *at = strrchr(address, '@');
	int reached;

	switch (tables_renamed(x->tables, address, &name)) {
	case LOOKUP_FOUND:
		expand_user(x, address, buf_str(&name));
		buf_clear(&name);
		return 1;
	case LOOKUP_ERROR:
		x->error = 1;
		return 1;
	case LOOKUP_ABSENT:
		break;
	}
	if (!x->unsent || x->depth > 0 || at == NULL) {
		target_add(x, TARGET_FAILED, address, "5.1.1 no such mailbox");
		return 1;
	}
	snprintf(postmaster, sizeof(postmaster), "postmaster%s", at);
	x->unsent = 0;
	reached = expand_address(x, postmaster);
	x->unsent = 1;
	return reached;
}

/* The same of a list, which sends on in its owner's name. */
static int
expand_list(struct expansion *x, const struct buf *list, const char *owner)
{
	size_t outer = x->owner;
	int reached;

	if (x->depth == 0 && !x->lists) {
		x->is_list = 1;
		return 0;
	}
	x->owner = text_add(x, owner);
	reached = expand_alias(x, list);
	x->owner = outer;
	return reached;
}

/* Expands what was not seen before; 1 if it reaches a target. */
static int
expand_new(struct expansion *x, const char *address)
{
	struct buf name = BUF_INIT(2 * ADDRESS_MAX);
	struct buf list = BUF_INIT(0), owner = BUF_INIT(ADDRESS_MAX);
	int reached = 1;

	switch (tables_list(x->tables, address, &name, &list, &owner)) {
	case TABLES_USER:
		expand_user(x, address, buf_str(&name));
		break;
	case TABLES_REMOTE:
		expand_remote(x, address);
		break;
	case TABLES_ALIAS:
		reached = owner.len > 0 && !x->null ?
		    expand_list(x, &list, buf_str(&owner)) :
		    expand_alias(x, &list);
		break;
	case TABLES_ABSENT:
		reached = expand_absent(x, address);
		break;
	case TABLES_ERROR:
		x->error = 1;
		break;
	}
	buf_clear(&name);
	buf_clear(&list);
	buf_clear(&owner);
	return reached;
}

static struct seen *
seen_outer(struct seen *a, struct seen *b)
{
	if (a == NULL || b == NULL)
		return a != NULL ? a : b;
	return a->depth < b->depth ? a : b;
}

/* What was seen before: 1 if it reaches a target. */
static int
expand_seen(struct expansion *x, struct seen *s)
{
	while (s->state == SEEN_NOTHING && s->loop != NULL)
		s = s->loop;
	if (s->state == SEEN_PATH)
		x->loop = seen_outer(x->loop, s);
	return s->state == SEEN_REACHED;
}

/* Puts s on the path while it is expanded. */
static int
expand_path(struct expansion *x, struct seen *s, const char *address)
{
	struct seen *before = x->loop;
	int reached;

	x->loop = NULL;
	reached = expand_new(x, address);
	s->state = reached ? SEEN_REACHED : SEEN_NOTHING;
	if (x->loop != NULL && x->loop->depth < s->depth)
		s->loop = x->loop;
	x->loop = seen_outer(before, s->loop);
	return reached;
}

static int
expand_address(struct expansion *x, const char *address)
{
	char key[ADDRESS_MAX + 1], *at;
	struct seen *s;
	int reached;

	if (x->depth > 0 && (x->n >= x->max || x->n_seen >= SEEN_MAX)) {
		x->cut = 1;
		return 1;
	}
	if (x->depth > ALIAS_DEPTH) {
		target_add(x, TARGET_FAILED, address,
		    "5.4.6 too many aliases in a row");
		return 1;
	}
	if (str_copy(key, sizeof(key), address) == -1)
		return 0;
	/* The local part of an address elsewhere is not ours to fold. */
	if ((at = strrchr(key, '@')) != NULL)
		str_tolower(at, strlen(at));
	if ((s = seen_find(x, 'a', key)) != NULL)
		return expand_seen(x, s);
	s = seen_add(x, 'a', key, SEEN_PATH);
	reached = expand_path(x, s, address);
	if (x->is_list)
		seen_drop(x, s);
	return reached;
}

/* Gives the targets their final, unmoving texts. */
static void
expansion_out(struct expansion *x, struct targets *out)
{
	size_t i;

	out->n = x->n;
	out->t = mem_zalloc(x->n + 1, sizeof(*out->t));
	out->arena = x->texts.data;
	buf_init(&x->texts, 0);
	for (i = 0; i < x->n; i++) {
		out->t[i].address = out->arena + x->raw[i].address;
		out->t[i].way = out->arena + x->raw[i].way;
		if (x->raw[i].owner != NO_OWNER)
			out->t[i].owner = out->arena + x->raw[i].owner;
		out->t[i].rcpt = x->raw[i].rcpt;
		out->t[i].kind = x->raw[i].kind;
		out->t[i].forwarded = x->raw[i].forwarded;
		if (!x->raw[i].done)
			continue;
		out->t[i].state = TARGET_DONE;
		target_tell(&out->t[i], TELL_SUCCESS);
	}
}

static int
wants_success(const struct envelope *e, size_t rcpt)
{
	return e->sender[0] != '\0' &&
	    (e->rcpt[rcpt].notify & Q_NOTIFY_SUCCESS);
}

/*
 * The recipient itself, of which is told that it was expanded, or, where lists
 * took the message, delivered: what they send on is another one (RFC 3461
 * 5.2.7.3).
 */
static void
expand_alias_told(struct expansion *x, const char *address, int delivered)
{
	target_add(x, TARGET_LOCAL, address, "");
	x->raw[x->n - 1].done = 1;
	x->raw[x->n - 1].forwarded = delivered ? FORWARDED_ALIAS :
	    FORWARDED_NOT;
}

/* How many targets from the first on came by a list. */
static size_t
by_lists(const struct expansion *x, size_t first)
{
	size_t i, n = 0;

	for (i = first; i < x->n; i++)
		n += x->raw[i].owner != NO_OWNER;
	return n;
}

static size_t
room_for(const struct envelope *e)
{
	size_t i, n = e->n_rcpt;

	for (i = 0; i < e->n_rcpt; i++)
		n += wants_success(e, i);
	return TARGETS_MAX - n;
}

static void
expansion_clear(struct expansion *x)
{
	struct seen *s, *next;
	size_t i;

	for (i = 0; i < SEEN_SLOTS && x->n_seen > 0; i++)
		for (s = x->seen[i]; s != NULL; s = next) {
			next = s->next;
			free(s);
		}
	free(x->raw);
	buf_clear(&x->texts);
}

static int
hears_failure(const struct recipient *r)
{
	return r->notify == 0 || (r->notify & Q_NOTIFY_FAILURE) != 0;
}

static void
expand_recipient(struct expansion *x, const struct envelope *e, size_t i)
{
	const char *address = e->rcpt[i].address;
	size_t before = x->n, listed;
	int reached;

	x->rcpt = (uint32_t)i;
	x->cut = 0;
	x->is_list = 0;
	reached = expand_address(x, address);
	if (x->is_list)
		return;
	if (!x->error && (x->cut || !reached))
		target_add(x, TARGET_FAILED, address,
		    x->cut ? "5.4.6 expands to too many addresses" :
		    "5.4.6 the alias leads back to itself");
	listed = by_lists(x, before);
	if (wants_success(e, i) && (x->n != before + 1 || listed > 0))
		expand_alias_told(x, address, x->lists ||
		    (listed > 0 && listed == x->n - before));
}

/*
 * Where several lead to one target it is the first one's: so that no failure
 * stays untold that was to be told. Lists, of which the others' turn brings
 * nothing, have the last one.
 */
static void
expand_all(struct expansion *x, const struct envelope *e)
{
	char *list = mem_zalloc(e->n_rcpt + 1, 1);
	size_t i, n = 0;
	int hears;

	for (hears = 1; hears >= 0; hears--)
		for (i = 0; i < e->n_rcpt && !x->error; i++) {
			if (hears_failure(&e->rcpt[i]) != hears)
				continue;
			expand_recipient(x, e, i);
			list[i] = (char)x->is_list;
			n += (size_t)x->is_list;
		}
	x->lists = 1;
	for (i = 0; i < e->n_rcpt && n > 0 && !x->error; i++)
		if (list[i])
			expand_recipient(x, e, i);
	free(list);
}

int
expand(struct tables *t, const struct envelope *e, struct targets *out)
{
	int error, null = e->sender[0] == '\0';
	struct expansion x = { .tables = t, .null = null, .unsent = null,
		.owner = NO_OWNER };

	memset(out, 0, sizeof(*out));
	/* Each recipient has room for one target, come what may, and for what
	   is told of it. */
	x.max = room_for(e);
	expand_all(&x, e);
	if (!(error = x.error))
		expansion_out(&x, out);
	expansion_clear(&x);
	return error ? -1 : 0;
}

/* The local part is not ours to fold. */
static int
same_local(const char *a, const char *b)
{
	const char *a_at = strrchr(a, '@'), *b_at = strrchr(b, '@');

	return a_at != NULL && b_at != NULL && a_at - a == b_at - b &&
	    memcmp(a, b, (size_t)(a_at - a)) == 0;
}

/* Is it one of the targets already? */
static const struct target *
same_target(const struct targets *ts, const struct expansion *x,
    const struct raw *r)
{
	const char *texts = buf_str(&x->texts);
	const struct target *t;
	size_t i;

	for (i = 0; i < ts->n; i++) {
		t = &ts->t[i];
		if (t->kind == r->kind && !target_is_alias(t) &&
		    str_casecmp(t->way, texts + r->way) == 0 &&
		    (r->kind == TARGET_LOCAL || same_local(t->address, texts +
		    r->address)))
			return t;
	}
	return NULL;
}

/* The texts that were gathered, where they stay. */
static const char *
more_texts(struct targets *ts, const struct buf *texts)
{
	struct target_texts *more = mem_alloc(sizeof(*more) + texts->len);

	memcpy(more->text, buf_str(texts), texts->len);
	more->next = ts->more;
	ts->more = more;
	return more->text;
}

/* Behind a list they are the list's, as target number from is. */
static void
append_targets(struct targets *ts, const struct expansion *x, size_t from)
{
	const char *texts = more_texts(ts, &x->texts);
	struct target *t;
	size_t i;

	ts->t = mem_realloc(ts->t, ts->n + x->n + 1, sizeof(*ts->t));
	for (i = 0; i < x->n; i++) {
		t = &ts->t[ts->n++];
		memset(t, 0, sizeof(*t));
		t->address = texts + x->raw[i].address;
		t->way = texts + x->raw[i].way;
		t->owner = ts->t[from].owner;
		if (x->raw[i].owner != NO_OWNER)
			t->owner = texts + x->raw[i].owner;
		t->rcpt = x->raw[i].rcpt;
		t->kind = x->raw[i].kind;
		t->forwarded = FORWARDED_SCRIPT;
	}
}

/* One that only sent it on does not keep it. */
static int
sent_on(const struct target *t)
{
	return t->state == TARGET_DONE && t->words != NULL &&
	    strcmp(t->words, RESULT_REDIRECTED) == 0;
}

/*
 * Has what same sent on come to somebody, other than to number i? It is known
 * where all that scripts made of a recipient began with same. At least one of
 * those does not send it on: each that does so needs another one that has it.
 */
static int
came_to(const struct targets *ts, const struct target *same, size_t i)
{
	const struct target *t;
	int found = 0;
	size_t k;

	if (same == &ts->t[i] || same->forwarded == FORWARDED_SCRIPT)
		return 0;
	for (k = 0; k < ts->n; k++) {
		t = &ts->t[k];
		if (t->rcpt != same->rcpt || t == same || target_is_alias(t))
			continue;
		if (t->forwarded != FORWARDED_SCRIPT)
			return 0;
		found |= k != i && !sent_on(t);
	}
	return found;
}

enum expand_result
expand_redirect(struct tables *t, const struct envelope *e,
    struct targets *out, size_t i, const char *address)
{
	struct expansion x = { .tables = t, .depth = 1,
		.rcpt = out->t[i].rcpt, .max = TARGETS_MAX - out->n,
		.null = e->sender[0] == '\0', .owner = NO_OWNER };
	const struct target *same;
	int gets = 0, ok;
	size_t k, n = 0;

	expand_address(&x, address);
	ok = !x.error && !x.cut;
	for (k = 0; ok && k < x.n; k++) {
		same = same_target(out, &x, &x.raw[k]);
		if (same == NULL)
			x.raw[n++] = x.raw[k];
		else
			gets |= same != &out->t[i] && !sent_on(same);
		if (same != NULL && !gets)
			gets = came_to(out, same, i);
	}
	x.n = n;
	if (ok && n > 0)
		append_targets(out, &x, i);
	expansion_clear(&x);
	return !ok ? EXPAND_LATER : n > 0 || gets ? EXPAND_ADDED :
	    EXPAND_LOOPS;
}
