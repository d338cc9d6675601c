#include "config.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/engine_impl.h"
#include "store/index.h"
#include "tests/store/engine_mem.h"

struct engine_mem *engine_mem;

struct row {
	size_t	 klen, vlen;
	unsigned char data[];
};

struct table {
	struct row **row;	/* by key */
	size_t	 n, cap;
};

struct engine_db {
	struct engine *e;
	unsigned n;
	struct table table[2];
	struct engine_watches watches;
};

struct link {
	uint32_t account, mailbox, uid;
};

struct engine {
	char	 path[1100], clean[1100];
	pthread_mutex_t lock;		/* of what follows */
	struct buf log;			/* committed, not durable */
	uint64_t epoch, owner, token;
	uint64_t rows;		/* the newest with rows of a mailbox */
	struct link *link;		/* bodies that have no row yet */
	size_t	 n_links;
	int	 in_order;		/* as engine_close says */
	struct engine_db db[ENGINE_DBS];
};

void
engine_mem_faults(void)
{
	engine_mem = mmap(NULL, sizeof(*engine_mem), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (engine_mem == MAP_FAILED)
		abort();
}

static int
due(atomic_int *at, atomic_int *count)
{
	atomic_fetch_add(count, 1);
	return atomic_load(at) > 0 && atomic_fetch_sub(at, 1) == 1;
}

/* The first row whose key is not below. */
static size_t
find(const struct table *t, const void *key, size_t klen)
{
	size_t lo = 0, hi = t->n, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (engine_key_cmp(t->row[mid]->data, t->row[mid]->klen, key,
		    klen) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct row *
row_at(const struct table *t, const void *key, size_t klen)
{
	size_t i = find(t, key, klen);

	return i < t->n && engine_key_cmp(t->row[i]->data, t->row[i]->klen,
	    key, klen) == 0 ? t->row[i] : NULL;
}

static void
drop_row(struct table *t, size_t i)
{
	free(t->row[i]);
	t->n--;
	memmove(t->row + i, t->row + i + 1, (t->n - i) * sizeof(*t->row));
}

static void
run_op(struct engine_db *db, const struct engine_op *op)
{
	struct table *t = &db->table[op->table];
	size_t i = find(t, op->key, op->klen);
	struct row *r;

	if (row_at(t, op->key, op->klen) != NULL)
		drop_row(t, i);
	if (op->kind == ENGINE_OP_DEL)
		return;
	if (t->n == t->cap) {
		t->cap = t->cap * 2 + 16;
		t->row = mem_realloc(t->row, t->cap, sizeof(*t->row));
	}
	memmove(t->row + i + 1, t->row + i, (t->n - i) * sizeof(*t->row));
	t->n++;
	r = t->row[i] = mem_alloc(sizeof(*r) + op->klen + op->vlen);
	r->klen = op->klen;
	r->vlen = op->vlen;
	memcpy(r->data, op->key, op->klen);
	memcpy(r->data + op->klen, op->value, op->vlen);
}

static void
run_ops(struct engine_db *db, const void *ops, size_t len, int cache)
{
	struct engine_op op;
	struct cursor c;

	cursor_init(&c, ops, len);
	while (cursor_left(&c) > 0) {
		engine_op_next(&c, &op);
		if (cache || op.table == ENGINE_CORE)
			run_op(db, &op);
	}
}

/* The log: u32 database (ENGINE_DBS: the owner's epoch), lv ops. */
static void
replay(struct engine *e, int cache)
{
	struct buf text = BUF_INIT(0);
	int fd = open(e->path, O_RDWR | O_CLOEXEC);
	struct cursor c, v;
	const void *p;
	uint32_t db;
	size_t len, whole = 0;

	if (fd != -1 && fd_slurp(fd, &text) == -1)
		log_fatal("%s: cannot be read", e->path);
	cursor_init(&c, text.data, text.len);
	while (cursor_left(&c) > 0) {
		db = cursor_u32(&c);
		p = cursor_lv(&c, &len, SIZE_MAX);
		if (c.bad)
			break;
		whole = text.len - cursor_left(&c);
		cursor_init(&v, p, len);
		if (db == ENGINE_DBS)
			e->owner = cursor_u64(&v);
		else
			run_ops(&e->db[db], p, len, cache);
	}
	/* Killed while it was written: what follows is not to stand in it. */
	if (whole < text.len && ftruncate(fd, (off_t)whole) == -1)
		log_fatal("%s: cannot be cut off", e->path);
	fd_close(&fd);
	buf_clear(&text);
}

static void
save(struct engine *e)
{
	int fd = open(e->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
	    0600);

	if (fd == -1 || fd_write_all(fd, buf_str(&e->log), e->log.len) == -1)
		log_fatal("%s: cannot be written", e->path);
	fd_close(&fd);
	buf_reset(&e->log);
}

int
engine_is_there(const char *home)
{
	char path[1100];

	snprintf(path, sizeof(path), "%s/log", home);
	return access(path, F_OK) == 0;
}

int
engine_set_aside(const char *home, struct buf *why)
{
	char from[1100], to[1100];

	snprintf(from, sizeof(from), "%s/log", home);
	snprintf(to, sizeof(to), "%s/log.bad", home);
	return rename(from, to);
}

struct engine *
engine_open(const char *home, uint64_t cache, int *fresh_r, int *clean_r,
    struct buf *why)
{
	struct engine *e = mem_zalloc(1, sizeof(*e));
	unsigned i;

	*fresh_r = !engine_is_there(home);
	mkdir(home, 0700);
	snprintf(e->path, sizeof(e->path), "%s/log", home);
	snprintf(e->clean, sizeof(e->clean), "%s/clean", home);
	pthread_mutex_init(&e->lock, NULL);
	for (i = 0; i < ENGINE_DBS; i++) {
		e->db[i].e = e;
		e->db[i].n = i;
	}
	*clean_r = e->in_order = unlink(e->clean) == 0;
	replay(e, *clean_r);
	save(e);
	return e;
}

void
engine_close(struct engine **ep)
{
	struct engine *e = *ep;
	unsigned i, t;
	int fd;

	if (e == NULL)
		return;
	save(e);
	fd = e->in_order ? open(e->clean, O_WRONLY | O_CREAT | O_CLOEXEC,
	    0600) : -1;
	fd_close(&fd);
	for (i = 0; i < ENGINE_DBS * 2; i++) {
		t = i % 2;
		while (e->db[i / 2].table[t].n > 0)
			drop_row(&e->db[i / 2].table[t],
			    e->db[i / 2].table[t].n - 1);
		free(e->db[i / 2].table[t].row);
	}
	buf_clear(&e->log);
	free(e->link);
	free(e);
	*ep = NULL;
}

struct engine_db *
engine_db(struct engine *e, unsigned n)
{
	return &e->db[n % ENGINE_DBS];
}

void
engine_checkpoint(struct engine *e)
{
}

enum engine_room
engine_room(const struct engine *e)
{
	return engine_mem == NULL ? ENGINE_ROOM :
	    (enum engine_room)atomic_load(&engine_mem->room);
}

void
engine_look(struct engine *e)
{
}

void
engine_give(struct engine *e)
{
}

uint64_t
engine_token(struct engine *e)
{
	uint64_t r;

	pthread_mutex_lock(&e->lock);
	r = e->token;
	pthread_mutex_unlock(&e->lock);
	return r;
}

enum engine_result
engine_durable(struct engine *e, uint64_t token)
{
	int one = 1, rows;

	if (engine_mem != NULL && atomic_load(&engine_mem->durable_us) > 0)
		usleep((useconds_t)atomic_load(&engine_mem->durable_us));
	pthread_mutex_lock(&e->lock);
	save(e);
	rows = token == e->rows;
	pthread_mutex_unlock(&e->lock);
	return engine_mem != NULL && rows && atomic_compare_exchange_strong(
	    &engine_mem->durable_lost, &one, 0) ? ENGINE_LOST : ENGINE_DONE;
}

enum engine_result
engine_owner(struct engine *e, uint64_t *epoch_r)
{
	*epoch_r = e->owner;
	return ENGINE_DONE;
}

enum engine_result
engine_own(struct engine *e, uint64_t epoch)
{
	struct buf v = BUF_INIT(0);

	if (epoch < e->owner)
		return ENGINE_LOST;
	e->epoch = e->owner = epoch;
	e->in_order = 1;
	buf_put_u64(&v, epoch);
	buf_put_u32(&e->log, ENGINE_DBS);
	buf_put_lv(&e->log, v.data, v.len);
	buf_clear(&v);
	save(e);
	return ENGINE_DONE;
}

enum engine_result
engine_get(struct engine_db *db, enum engine_table t, const void *key,
    size_t klen, struct buf *value_r)
{
	const struct row *r = row_at(&db->table[t], key, klen);

	/* Without its version and generation no store starts. */
	if (t == ENGINE_CORE && engine_mem != NULL && klen > ENGINE_GROUP &&
	    ((const char *)key)[ENGINE_GROUP] != 'v' &&
	    ((const char *)key)[ENGINE_GROUP] != 'g' &&
	    due(&engine_mem->get_at, &engine_mem->gets))
		return ENGINE_LATER;
	if (r == NULL)
		return ENGINE_ABSENT;
	buf_append(value_r, r->data + r->klen, r->vlen);
	return ENGINE_DONE;
}

/* Half of what is there is given before it fails. */
enum engine_result
engine_scan(struct engine_db *db, struct engine_scan *s, engine_each *each,
    void *arg)
{
	const struct table *t = &db->table[s->table];
	int fails = s->table == ENGINE_CORE && engine_mem != NULL &&
	    due(&engine_mem->scan_at, &engine_mem->scans);
	size_t i, first = find(t, s->from, s->flen);
	size_t end = find(t, s->to, s->tlen);
	const struct row *r;

	for (i = first; i < end; i++) {
		r = t->row[i];
		if (fails && i - first >= (end - first) / 2)
			return ENGINE_LATER;
		if (s->max > 0 && i - first == s->max)
			return ENGINE_MORE;
		if (each(arg, r->data, r->klen, r->data + r->klen,
		    r->vlen) != 0) {
			engine_scan_at(s, r->data, r->klen);
			return ENGINE_MORE;
		}
		engine_scan_behind(s, r->data, r->klen);
	}
	return fails ? ENGINE_LATER : ENGINE_DONE;
}

enum engine_result
engine_last(struct engine_db *db, enum engine_table t, const void *from,
    size_t flen, const void *to, size_t tlen, struct buf *key_r)
{
	size_t i = find(&db->table[t], to, tlen);

	if (engine_mem != NULL && due(&engine_mem->last_at, &engine_mem->lasts))
		return ENGINE_LATER;
	if (i <= find(&db->table[t], from, flen))
		return ENGINE_ABSENT;
	buf_append(key_r, db->table[t].row[i - 1]->data,
	    db->table[t].row[i - 1]->klen);
	return ENGINE_DONE;
}

/* Those of a mailbox have a condition, and are what a fault is for. */
static enum engine_result
judge(struct engine_db *db, const struct engine_batch *b)
{
	const struct row *r;
	struct engine_op op;
	struct cursor c;

	if (b->epoch != db->e->epoch)
		return ENGINE_LOST;
	if (b->conditions.len > 0 && engine_mem != NULL &&
	    due(&engine_mem->commit_at, &engine_mem->commits))
		return (enum engine_result)atomic_load(
		    &engine_mem->commit_how);
	cursor_init(&c, b->conditions.data, b->conditions.len);
	while (cursor_left(&c) > 0) {
		engine_op_next(&c, &op);
		r = row_at(&db->table[ENGINE_CORE], op.key, op.klen);
		if (op.kind == ENGINE_OP_NONE ? r != NULL : r == NULL ||
		    r->vlen != op.vlen ||
		    memcmp(r->data + r->klen, op.value, op.vlen) != 0)
			return ENGINE_FALSE;
	}
	return ENGINE_DONE;
}

/* The files of a batch, and those of earlier ones whose rows are to come. */
static void
keep_files(struct engine *e, const struct engine_batch *b)
{
	struct engine_file f;
	size_t i;

	for (i = 0; i < b->files.len; i += sizeof(f)) {
		memcpy(&f, b->files.data + i, sizeof(f));
		if (f.kind != ENGINE_FILE_NEW && f.kind != ENGINE_FILE_LINK)
			continue;
		e->link = mem_realloc(e->link, e->n_links + 1,
		    sizeof(*e->link));
		e->link[e->n_links++] = (struct link){ b->account, f.mailbox,
			f.uid };
	}
}

/*
 * A message that comes has its body before its row: what makes a stream of
 * batches in this order could not do without it. (A rebuild, which has no
 * conditions, finds its files.)
 */
static void
check_files(struct engine_db *db, const struct engine_batch *b)
{
	struct engine *e = db->e;
	struct engine_op op;
	struct cursor c;
	struct link l;
	size_t i;

	keep_files(e, b);
	cursor_init(&c, b->ops.data, b->ops.len);
	while (b->conditions.len > 0 && cursor_left(&c) > 0) {
		engine_op_next(&c, &op);
		if (op.kind != ENGINE_OP_PUT || op.table != ENGINE_CORE ||
		    op.klen != 13 || ((const char *)op.key)[8] != 'm' ||
		    row_at(&db->table[ENGINE_CORE], op.key, op.klen) != NULL)
			continue;
		l = (struct link){ b->account, index_tail_u32(op.key, 8),
			index_tail_u32(op.key, 13) };
		for (i = 0; i < e->n_links && memcmp(&e->link[i], &l,
		    sizeof(l)) != 0; i++)
			;
		if (i == e->n_links)
			log_panic("uid %u of mailbox %u has no body", l.uid,
			    l.mailbox);
		e->link[i] = e->link[--e->n_links];
	}
}

uint64_t
engine_commit(struct engine_db *db, struct engine_batch *const *list,
    size_t n)
{
	struct engine *e = db->e;
	uint64_t token;
	size_t i;

	for (i = 0; i < n; i++) {
		list[i]->result = judge(db, list[i]);
		if (list[i]->result == ENGINE_DONE) {
			pthread_mutex_lock(&e->lock);
			check_files(db, list[i]);
			pthread_mutex_unlock(&e->lock);
		}
		if (list[i]->result == ENGINE_DONE)
			run_ops(db, list[i]->ops.data, list[i]->ops.len, 1);
	}
	pthread_mutex_lock(&e->lock);
	for (i = 0; i < n; i++)
		if (list[i]->result == ENGINE_DONE) {
			buf_put_u32(&e->log, db->n);
			buf_put_lv(&e->log, buf_str(&list[i]->ops),
			    list[i]->ops.len);
		}
	token = ++e->token;
	for (i = 0; i < n; i++)
		if (list[i]->conditions.len > 0)
			e->rows = token;
	pthread_mutex_unlock(&e->lock);
	for (i = 0; i < n; i++) {
		if (list[i]->result == ENGINE_DONE)
			engine_watch_tell(&db->watches, list[i]);
		engine_batch_reset(list[i]);
	}
	return token;
}

struct engine_watch *
engine_watch(struct engine_db *db, const void *group,
    void (*changed)(void *arg), void *arg)
{
	return engine_watch_add(&db->watches, group, changed, arg);
}
