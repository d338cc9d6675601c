/*
 * The folder is read in a lane, judged in the loop, which alone knows the
 * records, and what has none is looked at and removed in the lane again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "queue/queue.h"
#include "queue/queue_body.h"
#include "queue/queue_sweep.h"

enum { FOREIGN_TOLD = 10 };

struct sweep {
	struct task task;
	uint64_t before;	/* names of this run and later are left alone */
	int64_t	 now;
	uint64_t *id;
	size_t	 n, cap;
	unsigned n_foreign;
	char	 foreign[FOREIGN_TOLD][64];
	void	(*missing)(uint64_t id);
};

static int sweeping;

static void
sweep_note(struct sweep *s, const char *name)
{
	uint64_t id;

	if (queue_id_parse(name, strlen(name), &id) == -1) {
		if (s->n_foreign < FOREIGN_TOLD)
			snprintf(s->foreign[s->n_foreign],
			    sizeof(s->foreign[0]), "%.60s", name);
		s->n_foreign++;
		return;
	}
	if (id >= s->before)
		return;
	if (s->n == s->cap) {
		s->cap = s->cap * 2 + 256;
		s->id = mem_realloc(s->id, s->cap, sizeof(*s->id));
	}
	s->id[s->n++] = id;
}

static void
sweep_read(struct task *t)
{
	struct sweep *s = (struct sweep *)t;
	struct dirent *d;
	DIR *dir = fd_opendir(body_folder(), ".");

	if (dir == NULL) {
		log_warn("sweep: %s", strerror(errno));
		return;
	}
	while ((d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			sweep_note(s, d->d_name);
	closedir(dir);
}

/* Lane: of the names without record, removes the blank and the old. */
static void
sweep_remove(struct task *t)
{
	struct sweep *s = (struct sweep *)t;
	char name[QUEUE_ID_LEN + 1];
	struct stat st;
	size_t i, gone = 0;

	for (i = 0; i < s->n; i++) {
		queue_id_text(s->id[i], name);
		if (fstatat(body_folder(), name, &st,
		    AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(st.st_mode))
			continue;
		if (st.st_size > 0 && s->now - st.st_mtime < BODY_KEEP)
			continue;
		gone += unlinkat(body_folder(), name, 0) == 0;
	}
	if (gone > 0)
		log_info("sweep: %zu files without record removed", gone);
}

static void
sweep_end(struct task *t)
{
	struct sweep *s = (struct sweep *)t;

	free(s->id);
	free(s);
	sweeping = 0;
}

static void
sweep_foreign(const struct sweep *s)
{
	static unsigned known;
	unsigned i;

	if (s->n_foreign == known)
		return;
	known = s->n_foreign;
	for (i = 0; i < s->n_foreign && i < FOREIGN_TOLD; i++)
		log_warn("body/%s: not ours, left alone", s->foreign[i]);
	if (s->n_foreign > FOREIGN_TOLD)
		log_warn("body: %u foreign names", s->n_foreign);
}

/* Is it a record of an earlier run whose name the sweep did not see? */
static int
sweep_misses(const struct sweep *s, const struct entry *e)
{
	int fd;

	if (e->mark || e->id >= s->before || e->state == ENTRY_ASIDE ||
	    e->state == ENTRY_ACTIVE)
		return 0;
	if ((fd = body_open(e->id)) == -1)
		return errno == ENOENT;
	fd_close(&fd);
	return 0;
}

static void
sweep_missing(struct sweep *s)
{
	struct entry *e, *next;
	size_t i;

	for (i = 0; i < queue.sched.n_slots; i++)
		for (e = queue.sched.slot[i]; e != NULL; e = next) {
			next = e->hash_next;
			if (sweep_misses(s, e))
				s->missing(e->id);
			e->mark = 0;
		}
}

static void
sweep_judge(struct task *t)
{
	struct sweep *s = (struct sweep *)t;
	struct entry *e;
	size_t i, n = 0;

	for (i = 0; i < s->n; i++) {
		if ((e = sched_find(&queue.sched, s->id[i])) != NULL)
			e->mark = 1;
		else
			s->id[n++] = s->id[i];
	}
	s->n = n;
	sweep_missing(s);
	sweep_foreign(s);
	s->task.run = sweep_remove;
	s->task.done = sweep_end;
	lane_put(queue.slow, &s->task);
}

void
sweep_start(void (*missing)(uint64_t id))
{
	struct sweep *s;

	if (sweeping)
		return;
	sweeping = 1;
	s = mem_zalloc(1, sizeof(*s));
	s->before = body_first();
	s->now = queue_now();
	s->missing = missing;
	s->task.run = sweep_read;
	s->task.done = sweep_judge;
	lane_put(queue.slow, &s->task);
}
