/*
 * The keywords of a mailbox: a message has a bit for each of its own. Where
 * all bits have a name, one that nothing carries gets another name: not before,
 * for to find one all messages are looked at. Readers of
 * the flags file must not take the old name's lines for the new one's: the
 * next file is a new one, and until it has its name the old one is true.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_flags.h"
#include "store/account_keywords.h"
#include "store/file_flags.h"

static void
adopt_keywords(struct mailbox *m, const struct buf *v)
{
	struct cursor c;
	const char *p;
	size_t len;

	cursor_init(&c, v->data, v->len);
	while (cursor_left(&c) > 0 && m->n_keywords < KEYWORDS_MAX) {
		p = cursor_lv(&c, &len, DOOR_KEYWORD_LEN);
		if (c.bad)
			break;
		m->keywords = mem_realloc(m->keywords, m->n_keywords + 1,
		    sizeof(*m->keywords));
		m->keywords[m->n_keywords++] = mem_strndup(p, len);
	}
}

int
mailbox_keywords(struct mailbox *m)
{
	struct index_key k = index_key_u32(m->account->number, 'K', m->id);
	struct buf v = BUF_INIT(0);
	enum engine_result r;
	unsigned i;

	if (m->keywords_loaded)
		return 0;
	for (i = 0; i < m->n_keywords; i++)
		free(m->keywords[i]);
	m->n_keywords = m->keywords_filed = 0;
	m->keywords_full = 0;
	r = engine_get(m->account->db, ENGINE_CORE, k.k, k.len, &v);
	m->keywords_loaded = r == ENGINE_DONE || r == ENGINE_ABSENT;
	adopt_keywords(m, &v);
	buf_clear(&v);
	return m->keywords_loaded ? 0 : -1;
}

static void
put_keywords(struct mailbox *m)
{
	struct engine_batch *b = account_batch(m->account);
	struct index_key k = index_key_u32(m->account->number, 'K', m->id);
	struct buf v = BUF_INIT(0);
	unsigned i;

	for (i = 0; i < m->n_keywords; i++)
		buf_put_lv(&v, m->keywords[i], strlen(m->keywords[i]));
	engine_put(b, ENGINE_CORE, k.k, k.len, buf_str(&v), v.len);
	buf_clear(&v);
}

int
mailbox_keyword(const struct mailbox *m, const char *p, size_t len)
{
	unsigned i;

	for (i = 0; i < m->n_keywords; i++)
		if (str_is(p, len, m->keywords[i]))
			return (int)i;
	return -1;
}

struct used_bits {
	struct keyword_set bits;
	const struct keyword_swap *swap;
};

static int
add_used(void *arg, const struct record *r)
{
	struct used_bits *u = arg;
	struct keyword_set s;

	if (u->swap != NULL && u->swap->replaces(u->swap->arg, &r->d))
		return 0;
	record_keywords(r, &s);
	keyword_set_add(&u->bits, &s);
	return keyword_set_is_full(&u->bits);
}

/*
 * The bits that no message carries, and none that is on its way; those of
 * messages that swap replaces count as free. 0, or -1: that cannot be told.
 */
static int
unused_bits(struct mailbox *m, const struct keyword_swap *swap,
    struct keyword_set *bits_r)
{
	struct used_bits u = { .swap = swap };
	struct account *a = m->account;
	enum engine_result r;

	memset(bits_r, 0, sizeof(*bits_r));
	if (m->keywords_full && swap == NULL)
		return 0;
	if (account_commit(a) == -1)
		return -1;
	r = index_range(a->db, a->number, m->id, 1, UINT32_MAX, add_used, &u);
	if (r != ENGINE_DONE && r != ENGINE_MORE)
		return -1;
	if (keyword_set_is_full(&u.bits))
		m->keywords_full = 1;
	if (m->held != NULL)
		keyword_set_add(&u.bits, m->held);
	keyword_set_invert(&u.bits);
	*bits_r = u.bits;
	return 0;
}

/*
 * How many of the names have no bit yet (in n_r), the bits of the others (in
 * bits_r). 0, or -1 where one is no keyword.
 */
static int
count_missing(struct mailbox *m, const char *names, size_t len,
    struct keyword_set *bits_r, unsigned *n_r)
{
	struct cursor c;
	const char *p;
	size_t n;
	int bit;

	memset(bits_r, 0, sizeof(*bits_r));
	*n_r = 0;
	cursor_init(&c, names, len);
	while (cursor_left(&c) > 0) {
		p = cursor_lv(&c, &n, DOOR_KEYWORD_LEN);
		if (c.bad || !keyword_ok(p, n))
			return -1;
		if ((bit = mailbox_keyword(m, p, n)) == -1)
			++*n_r;
		else
			keyword_set_put(bits_r, (unsigned)bit);
	}
	return 0;
}

/* A bit for the name: a new one, else the lowest of the unused ones; -1: there
   is none. */
static int
name_bit(struct mailbox *m, const char *p, size_t len,
    struct keyword_set *unused)
{
	int bit = (int)m->n_keywords;

	if (bit < KEYWORDS_MAX) {
		m->keywords = mem_realloc(m->keywords, (size_t)bit + 1,
		    sizeof(*m->keywords));
		m->n_keywords++;
	} else if ((bit = keyword_set_next(unused, 0)) == -1)
		return -1;
	else
		free(m->keywords[bit]);
	keyword_set_drop(unused, (unsigned)bit);
	m->keywords[bit] = mem_strndup(p, len);
	return bit;
}

/* From now on the flags file is not right, also after a crash: it has a wrong
   name, or is of a version that has no keywords beyond the first 64. */
static void
renamed(struct mailbox *m)
{
	m->row.modseq = shard_modseq(m->account->shard);
	m->row.flags_lines = FLAGSFILE_ANEW;
	m->anew = 1;
	m->dirty_all = 1;
	m->n_dirty = 0;
	shard_flags(m);
	shard_row(m);
}

/* Gives bits to those of the names that have none. 0, or -1: the index does
   not answer, and nothing has changed. */
static int
name_bits(struct mailbox *m, const char *names, size_t len, unsigned missing,
    struct keyword_swap *swap, struct keyword_set *bits_r)
{
	unsigned had = m->n_keywords, room = KEYWORDS_MAX - had;
	struct keyword_set unused = { .word = { 0 } }, was;
	struct cursor c;
	const char *p;
	size_t n;
	int bit;

	if (missing > room && unused_bits(m, swap, &unused) == -1)
		return -1;
	keyword_set_remove(&unused, bits_r);
	was = unused;
	cursor_init(&c, names, len);
	while (cursor_left(&c) > 0) {
		p = cursor_lv(&c, &n, DOOR_KEYWORD_LEN);
		if (mailbox_keyword(m, p, n) == -1 &&
		    (bit = name_bit(m, p, n, &unused)) != -1)
			keyword_set_put(bits_r, (unsigned)bit);
	}
	keyword_set_remove(&was, &unused);
	keyword_set_keep(&was, had);
	if (room > 0 || keyword_set_end(&was) > 0)
		put_keywords(m);
	if (keyword_set_end(&was) > 0 ||
	    (had <= 64 && m->n_keywords > 64))
		renamed(m);
	if (swap != NULL)
		swap->renamed = was;
	return 0;
}

enum door_error
mailbox_bits(struct mailbox *m, const char *names, size_t len, int make,
    struct keyword_swap *swap, struct keyword_set *bits_r)
{
	unsigned missing;

	if (mailbox_keywords(m) == -1)
		return D_LATER;
	if (count_missing(m, names, len, bits_r, &missing) == -1)
		return D_REFUSED;
	if (missing > 0 && make &&
	    name_bits(m, names, len, missing, swap, bits_r) == -1)
		return D_LATER;
	return D_OK;
}

int
mailbox_has_all(const struct mailbox *m, const char *names, size_t len)
{
	struct cursor c;
	const char *p;
	size_t n;

	cursor_init(&c, names, len);
	while (cursor_left(&c) > 0) {
		p = cursor_lv(&c, &n, DOOR_KEYWORD_LEN);
		if (c.bad || mailbox_keyword(m, p, n) == -1)
			return 0;
	}
	return 1;
}

void
mailbox_hold(struct mailbox *m, const struct keyword_set *bits)
{
	m->holders++;
	if (keyword_set_end(bits) == 0)
		return;
	if (m->held == NULL)
		m->held = mem_zalloc(1, sizeof(*m->held));
	keyword_set_add(m->held, bits);
}

void
mailbox_release(struct mailbox *m)
{
	if (--m->holders > 0)
		return;
	free(m->held);
	m->held = NULL;
}
