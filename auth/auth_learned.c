#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/auth_hashes.h"
#include "auth/auth_learned.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

struct learned {
	struct learned_record r;
	uint32_t slot;			/* record slot + 1 of the file */
	int	 live;			/* met by the sweep */
};

struct auth_learned {
	int	 fd;			/* -1: nothing is kept */
	int	 told;
	void	*tree;			/* entries by key: tsearch(3) */
	struct learned **slot;
	uint32_t n, cap;
};

static int
compare(const void *a, const void *b)
{
	return memcmp(((const struct learned *)a)->r.key,
	    ((const struct learned *)b)->r.key, LEARNED_KEY);
}

static struct learned *
find_key(const struct auth_learned *l, const unsigned char key[LEARNED_KEY])
{
	struct learned *const *found, want;

	memcpy(want.r.key, key, LEARNED_KEY);
	found = tfind(&want, (void *const *)&l->tree, compare);
	return found == NULL ? NULL : *found;
}

static struct learned *
find(const struct auth_learned *l, const char *account, const char *hash)
{
	unsigned char key[LEARNED_KEY];

	return learned_key(account, hash, key) == -1 ? NULL : find_key(l, key);
}

static struct learned *
add_key(struct auth_learned *l, const unsigned char key[LEARNED_KEY])
{
	struct learned *e;

	if (l->n == LEARNED_MAX)
		return NULL;
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : l->cap * 2;
		l->slot = mem_realloc(l->slot, l->cap, sizeof(*l->slot));
	}
	e = mem_zalloc(1, sizeof(*e));
	memcpy(e->r.key, key, LEARNED_KEY);
	e->slot = l->n;
	l->slot[l->n++] = e;
	if (tsearch(e, &l->tree, compare) == NULL)
		log_fatal("out of memory: an entry of auth/learned");
	return e;
}

static struct learned *
find_or_add(struct auth_learned *l, const char *account, const char *hash)
{
	unsigned char key[LEARNED_KEY];
	struct learned *e;

	if (learned_key(account, hash, key) == -1)
		return NULL;
	e = find_key(l, key);
	return e != NULL ? e : add_key(l, key);
}

static void
give_up(struct auth_learned *l, const char *words)
{
	if (!l->told)
		log_warn("auth/learned: %s; what logins teach is not kept",
		    words);
	l->told = 1;
	fd_close(&l->fd);
}

static void
write_record(struct auth_learned *l, uint32_t at, const struct buf *b)
{
	ssize_t n;

	if (l->fd == -1)
		return;
	n = pwrite(l->fd, b->data, b->len, (off_t)at * LEARNED_RECORD);
	if (n != (ssize_t)b->len)
		give_up(l, n == -1 ? strerror(errno) : "the disk is full");
}

static void
write_entry(struct auth_learned *l, const struct learned *e)
{
	struct buf b = BUF_INIT(LEARNED_RECORD);

	learned_put(&e->r, &b);
	write_record(l, e->slot + 1, &b);
	buf_wipe(&b);
}

/* Takes a record of the file; a damaged one is skipped. */
static void
read_entry(struct auth_learned *l, const char *p)
{
	struct learned_record r;
	struct learned *e;

	if (learned_get(p, &r) == -1 || find_key(l, r.key) != NULL ||
	    (e = add_key(l, r.key)) == NULL)
		return;
	e->r = r;
	scram_wipe(&r.keys);
}

/* Writes all that is known, and nothing else. */
static void
write_all(struct auth_learned *l)
{
	struct buf b = BUF_INIT(LEARNED_RECORD);
	uint32_t i;

	if (l->fd == -1)
		return;
	if (ftruncate(l->fd, 0) == -1) {
		give_up(l, strerror(errno));
		return;
	}
	learned_put_head(&b);
	write_record(l, 0, &b);
	buf_clear(&b);
	for (i = 0; i < l->n; i++)
		write_entry(l, l->slot[i]);
}

static void
read_file(struct auth_learned *l, const struct buf *b)
{
	size_t at;

	switch (learned_head(b->data, b->len)) {
	case LEARNED_NEWER:
		give_up(l, "of a version that this program does not know");
		return;
	case LEARNED_DAMAGED:
		if (b->len > 0)
			log_warn("auth/learned is damaged; it is begun anew");
		write_all(l);
		return;
	default:
		break;
	}
	for (at = LEARNED_RECORD; b->len - at >= LEARNED_RECORD;
	    at += LEARNED_RECORD)
		read_entry(l, b->data + at);
	/* Damaged or doubled ones: slots are not those of the file. */
	if (b->len != ((size_t)l->n + 1) * LEARNED_RECORD)
		write_all(l);
}

struct auth_learned *
auth_learned_open(const char *path)
{
	struct auth_learned *l = mem_zalloc(1, sizeof(*l));
	struct buf b = BUF_INIT(((size_t)LEARNED_MAX + 1) * LEARNED_RECORD);

	l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY, 0600);
	if (l->fd == -1 || fd_slurp(l->fd, &b) == -1)
		give_up(l, strerror(errno));
	else
		read_file(l, &b);
	buf_wipe(&b);
	return l;
}

static void
forget_all(struct auth_learned *l)
{
	uint32_t i;

	for (i = 0; i < l->n; i++) {
		(void)tdelete(l->slot[i], &l->tree, compare);
		mem_wipe(l->slot[i], sizeof(*l->slot[i]));
		free(l->slot[i]);
	}
	l->n = 0;
}

void
auth_learned_free(struct auth_learned **lp)
{
	struct auth_learned *l = *lp;

	if (l == NULL)
		return;
	forget_all(l);
	free(l->slot);
	fd_close(&l->fd);
	free(l);
	*lp = NULL;
}

static int
sweep_account(const char *account, const char *text, size_t len, void *arg)
{
	struct auth_learned *l = arg;
	struct auth_hashes h;
	struct learned *e;
	unsigned i;

	auth_hashes_read(&h, text, len, NULL);
	for (i = 0; i < h.n; i++)
		if ((e = find(l, account, h.hash[i])) != NULL)
			e->live = 1;
	auth_hashes_clear(&h);
	return 0;
}

void
auth_learned_sweep(struct auth_learned *l, struct auth_users *users)
{
	uint32_t i, kept = 0;
	struct learned *e;

	if (auth_users_walk(users, sweep_account, l) == -1)
		return;
	for (i = 0; i < l->n; i++) {
		e = l->slot[i];
		if (e->live) {
			e->slot = kept;
			l->slot[kept++] = e;
			continue;
		}
		(void)tdelete(e, &l->tree, compare);
		mem_wipe(e, sizeof(*e));
		free(e);
	}
	if (kept == l->n)
		return;
	l->n = kept;
	write_all(l);
}

int
auth_learned_keys(const struct auth_learned *l, const char *account,
    const char *hash, struct scram_keys *keys_r)
{
	const struct learned *e = find(l, account, hash);

	if (e == NULL || e->r.keys.iterations == 0)
		return 0;
	if (keys_r != NULL)
		*keys_r = e->r.keys;
	return 1;
}

void
auth_learned_put_keys(struct auth_learned *l, const char *account,
    const char *hash, const struct scram_keys *keys)
{
	struct learned *e = find_or_add(l, account, hash);

	if (e == NULL || keys->salt_len != SCRAM_SALT)
		return;
	e->r.keys = *keys;
	write_entry(l, e);
}

int64_t
auth_learned_last(const struct auth_learned *l, const char *account,
    const char *hash)
{
	const struct learned *e = find(l, account, hash);

	return e == NULL ? 0 : e->r.used;
}

void
auth_learned_used(struct auth_learned *l, const char *account,
    const char *hash, int64_t now)
{
	struct learned *e = find_or_add(l, account, hash);

	/* A clock that was set back is followed. */
	if (e == NULL || (e->r.used != 0 && now >= e->r.used &&
	    now - e->r.used < AUTH_USED_EVERY))
		return;
	e->r.used = now;
	write_entry(l, e);
}
