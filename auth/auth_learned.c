#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "auth/auth_hashes.h"
#include "auth/auth_learned.h"
#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

enum {
	RECORD = 128,
	KEY = 32,
};

static const char magic[] = "rp-learn";

struct learned {
	unsigned char key[KEY];
	uint32_t slot;			/* record slot + 1 of the file */
	int	 live;			/* met by the sweep */
	int64_t	 used;
	struct scram_keys keys;		/* iterations 0: none */
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
	return memcmp(((const struct learned *)a)->key,
	    ((const struct learned *)b)->key, KEY);
}

/* 0, or -1: no digest, nothing is found then. */
static int
make_key(const char *account, const char *hash, unsigned char key_r[KEY])
{
	struct buf in = BUF_INIT(0);
	unsigned n = 0;
	int ok;

	buf_put_lv(&in, account, strlen(account));
	buf_put_lv(&in, hash, strlen(hash));
	ok = EVP_Digest(in.data, in.len, key_r, &n, EVP_sha256(), NULL) == 1;
	buf_wipe(&in);
	return ok && n == KEY ? 0 : -1;
}

static struct learned *
find_key(const struct auth_learned *l, const unsigned char key[KEY])
{
	struct learned *const *found, want;

	memcpy(want.key, key, KEY);
	found = tfind(&want, (void *const *)&l->tree, compare);
	return found == NULL ? NULL : *found;
}

static struct learned *
find(const struct auth_learned *l, const char *account, const char *hash)
{
	unsigned char key[KEY];

	return make_key(account, hash, key) == -1 ? NULL : find_key(l, key);
}

static struct learned *
add_key(struct auth_learned *l, const unsigned char key[KEY])
{
	struct learned *e;

	if (l->n == AUTH_LEARNED_MAX)
		return NULL;
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : l->cap * 2;
		l->slot = mem_realloc(l->slot, l->cap, sizeof(*l->slot));
	}
	e = mem_zalloc(1, sizeof(*e));
	memcpy(e->key, key, KEY);
	e->slot = l->n;
	l->slot[l->n++] = e;
	if (tsearch(e, &l->tree, compare) == NULL)
		log_fatal("out of memory: an entry of auth/learned");
	return e;
}

static struct learned *
find_or_add(struct auth_learned *l, const char *account, const char *hash)
{
	unsigned char key[KEY];
	struct learned *e;

	if (make_key(account, hash, key) == -1)
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
	char record[RECORD] = "";
	ssize_t n;

	if (l->fd == -1)
		return;
	memcpy(record, b->data, b->len);
	n = pwrite(l->fd, record, RECORD, (off_t)at * RECORD);
	mem_wipe(record, sizeof(record));
	if (n != RECORD)
		give_up(l, n == -1 ? strerror(errno) : "the disk is full");
}

static void
write_head(struct auth_learned *l)
{
	struct buf b = BUF_INIT(RECORD);

	buf_puts(&b, magic);
	buf_put_u32(&b, AUTH_LEARNED_VERSION);
	write_record(l, 0, &b);
	buf_clear(&b);
}

static void
write_entry(struct auth_learned *l, const struct learned *e)
{
	struct buf b = BUF_INIT(RECORD);

	buf_append(&b, e->key, KEY);
	buf_put_u64(&b, (uint64_t)e->used);
	buf_put_u32(&b, e->keys.iterations);
	buf_append(&b, e->keys.salt, SCRAM_SALT);
	buf_append(&b, e->keys.stored, SCRAM_KEY);
	buf_append(&b, e->keys.server, SCRAM_KEY);
	buf_put_u32(&b, crc32c(0, b.data, b.len));
	write_record(l, e->slot + 1, &b);
	buf_wipe(&b);
}

/* Takes a record of the file; a damaged one is skipped. */
static void
read_entry(struct auth_learned *l, const char *p)
{
	struct cursor c;
	struct learned *e;
	const char *key;

	cursor_init(&c, p + RECORD - 4, 4);
	if (crc32c(0, p, RECORD - 4) != cursor_u32(&c))
		return;
	cursor_init(&c, p, RECORD);
	key = cursor_take(&c, KEY);
	if (find_key(l, (const unsigned char *)key) != NULL ||
	    (e = add_key(l, (const unsigned char *)key)) == NULL)
		return;
	e->used = (int64_t)(cursor_u64(&c) & INT64_MAX);
	e->keys.iterations = cursor_u32(&c);
	e->keys.salt_len = SCRAM_SALT;
	memcpy(e->keys.salt, cursor_take(&c, SCRAM_SALT), SCRAM_SALT);
	memcpy(e->keys.stored, cursor_take(&c, SCRAM_KEY), SCRAM_KEY);
	memcpy(e->keys.server, cursor_take(&c, SCRAM_KEY), SCRAM_KEY);
}

/* Writes all that is known, and nothing else. */
static void
write_all(struct auth_learned *l)
{
	uint32_t i;

	if (l->fd == -1)
		return;
	if (ftruncate(l->fd, 0) == -1) {
		give_up(l, strerror(errno));
		return;
	}
	write_head(l);
	for (i = 0; i < l->n; i++)
		write_entry(l, l->slot[i]);
}

static void
read_file(struct auth_learned *l, const struct buf *b)
{
	struct cursor c;
	size_t at;

	cursor_init(&c, b->data, b->len);
	if (b->len < RECORD || memcmp(cursor_take(&c, sizeof(magic) - 1),
	    magic, sizeof(magic) - 1) != 0) {
		if (b->len > 0)
			log_warn("auth/learned is damaged; it is begun anew");
		write_all(l);
		return;
	}
	if (cursor_u32(&c) != AUTH_LEARNED_VERSION) {
		give_up(l, "of a version that this program does not know");
		return;
	}
	for (at = RECORD; b->len - at >= RECORD; at += RECORD)
		read_entry(l, b->data + at);
	/* Damaged or doubled ones: slots are not those of the file. */
	if (b->len != ((size_t)l->n + 1) * RECORD)
		write_all(l);
}

struct auth_learned *
auth_learned_open(const char *path)
{
	struct auth_learned *l = mem_zalloc(1, sizeof(*l));
	struct buf b = BUF_INIT(((size_t)AUTH_LEARNED_MAX + 1) * RECORD);

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

	if (e == NULL || e->keys.iterations == 0)
		return 0;
	if (keys_r != NULL)
		*keys_r = e->keys;
	return 1;
}

void
auth_learned_put_keys(struct auth_learned *l, const char *account,
    const char *hash, const struct scram_keys *keys)
{
	struct learned *e = find_or_add(l, account, hash);

	if (e == NULL || keys->salt_len != SCRAM_SALT)
		return;
	e->keys = *keys;
	write_entry(l, e);
}

int64_t
auth_learned_last(const struct auth_learned *l, const char *account,
    const char *hash)
{
	const struct learned *e = find(l, account, hash);

	return e == NULL ? 0 : e->used;
}

void
auth_learned_used(struct auth_learned *l, const char *account,
    const char *hash, int64_t now)
{
	struct learned *e = find_or_add(l, account, hash);

	/* A clock that was set back is followed. */
	if (e == NULL || (e->used != 0 && now >= e->used &&
	    now - e->used < AUTH_USED_EVERY))
		return;
	e->used = now;
	write_entry(l, e);
}
