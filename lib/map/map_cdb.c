#include "config.h"

#include <sys/stat.h>

#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/map/map.h"

/*
 * libcdb maps the file, so the descriptor is closed at once: a program with
 * ten maps holds no descriptor for them. The mapping keeps the inode alive,
 * hence a new file never has the number of the one in use.
 */
struct map {
	char	*path;
	int	 missing_ok;
	uint32_t oldest, newest; /* formats; newest 0: any file will do */
	int	 open;
	unsigned generation;
	dev_t	 dev;
	ino_t	 ino;
	ino_t	 bad_ino;	/* no cdb file; told once */
	struct timespec bad_ctim;
	int	 refused;	/* ... or a cdb file of another format */
	int	 stale;		/* what stands there now could not be opened */
	int	 told;		/* ... and the log has it */
	struct cdb cdb;
};

static void
map_close(struct map *m)
{
	if (m->open)
		cdb_free(&m->cdb);
	m->open = 0;
}

/* libcdb's EPROTO, or ours: another try at the same file is no use. */
static int
is_bad(int e)
{
	return e == EPROTO || e == EINVAL || e == EPROTONOSUPPORT;
}

/* Is fresh of a format that is known? */
static int
is_known(const struct map *m, struct cdb *fresh)
{
	const void *p = NULL;
	struct cursor c;
	uint32_t format = 0;
	int r;

	if (m->newest == 0)
		return 1;
	if ((r = cdb_find(fresh, "f", 1)) > 0)
		p = cdb_get(fresh, cdb_datalen(fresh), cdb_datapos(fresh));
	if (r < 0 || (r > 0 && p == NULL))
		return 0;
	if (p != NULL) {
		cursor_init(&c, p, cdb_datalen(fresh));
		format = cursor_u32(&c);
		if (c.bad)
			return 0;
	}
	return format >= m->oldest && format <= m->newest;
}

/* Puts the file at path in place of what is open. 0, or -1 with errno. */
static int
map_load(struct map *m)
{
	struct cdb fresh;
	struct stat st;
	int fd, e = 0;

	fd = open(m->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1)
		return -1;
	memset(&st, 0, sizeof(st));
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    cdb_init(&fresh, fd) != 0) {
		e = st.st_mode == 0 || S_ISREG(st.st_mode) ? errno : EINVAL;
	} else if (!is_known(m, &fresh)) {
		cdb_free(&fresh);
		e = EPROTONOSUPPORT;
	}
	if (e != 0) {
		if (is_bad(e)) {
			m->bad_ino = st.st_ino;
			m->bad_ctim = st.st_ctim;
			m->refused = e == EPROTONOSUPPORT;
		}
		close(fd);
		errno = e;
		return -1;
	}
	close(fd);
	fresh.cdb_fd = -1;
	map_close(m);
	m->cdb = fresh;
	m->open = 1;
	m->generation++;
	m->dev = st.st_dev;
	m->ino = st.st_ino;
	m->bad_ino = 0;
	m->refused = 0;
	return 0;
}

/* libcdb's EPROTO says that the file is no cdb. */
static const char *
reason(int e)
{
	return e == EPROTO ? _("not a cdb file") : e == EPROTONOSUPPORT ?
	    _("of a format that this version does not know (run rohrpost "
	    "apply)") : strerror(e);
}

struct map *
map_cdb_open(const char *path, int missing_ok, struct buf *why)
{
	return map_cdb_open_format(path, missing_ok, 0, 0, why);
}

struct map *
map_cdb_open_format(const char *path, int missing_ok, uint32_t oldest,
    uint32_t newest, struct buf *why)
{
	struct map *m = mem_zalloc(1, sizeof(*m));

	m->path = mem_strdup(path);
	m->missing_ok = missing_ok;
	m->oldest = oldest;
	m->newest = newest;
	if (map_load(m) == -1 && missing_ok && errno == EPROTO)
		log_warn("%s: not a cdb file; it counts as missing", path);
	else if (!m->open && !(missing_ok && errno == ENOENT)) {
		buf_set(why, "%s: %s", path, reason(errno));
		map_free(&m);
	}
	return m;
}

void
map_free(struct map **mp)
{
	struct map *m = *mp;

	if (m == NULL)
		return;
	map_close(m);
	free(m->path);
	free(m);
	*mp = NULL;
}

/* A bad file is told of once, a passing trouble until it has passed. */
static void
map_tell(struct map *m, int e)
{
	if (!m->told || is_bad(e))
		log_warn("%s: %s; %s", m->path, reason(e), m->open ?
		    "the one before stays, what is not in it is put off" :
		    is_bad(e) && !m->refused ? "it counts as missing" :
		    "what is asked for is put off");
	m->told = 1;
}

/* What a name that leads nowhere means: 0, or -1 with errno. */
static int
map_gone(struct map *m)
{
	if (errno != ENOENT || !m->missing_ok)
		return -1;
	m->generation += m->open != 0;
	map_close(m);
	return 0;
}

/* 0; -1 with errno, which is 0 for a bad file that is known. */
static int
map_look(struct map *m)
{
	struct stat st;

	if (stat(m->path, &st) == -1)
		return map_gone(m);
	if (m->open && st.st_ino == m->ino && st.st_dev == m->dev)
		return 0;
	if (m->bad_ino != 0 && st.st_ino == m->bad_ino &&
	    st.st_ctim.tv_sec == m->bad_ctim.tv_sec &&
	    st.st_ctim.tv_nsec == m->bad_ctim.tv_nsec) {
		errno = 0;
		return -1;
	}
	return map_load(m);
}

/*
 * Doubt means later: what the old file lacks may be in the new one. Where
 * none was open a bad one counts as missing, as in map_cdb_open.
 */
int
map_refresh(struct map *m)
{
	int r = map_look(m), e = errno;

	if (r == -1) {
		if (e != 0)
			map_tell(m, e);
		m->stale = m->open || (e != 0 && !is_bad(e)) || m->refused;
		return -1;
	}
	if (m->told && m->open)
		log_info("%s: it can be read again", m->path);
	m->stale = m->told = 0;
	return 0;
}

enum map_result
map_find(struct map *m, const void *key, size_t klen, const char **value_r,
    size_t *len_r)
{
	const void *p;
	int r;

	if (!m->open)
		return m->missing_ok && !m->stale ? MAP_ABSENT : MAP_ERROR;
	if (klen > UINT_MAX)
		return MAP_ABSENT;
	r = cdb_find(&m->cdb, key, (unsigned)klen);
	if (r <= 0)
		return r == 0 && !m->stale ? MAP_ABSENT : MAP_ERROR;
	p = cdb_get(&m->cdb, cdb_datalen(&m->cdb), cdb_datapos(&m->cdb));
	if (p == NULL)
		return MAP_ERROR;
	*value_r = p;
	*len_r = cdb_datalen(&m->cdb);
	return MAP_FOUND;
}

int
map_present(const struct map *m)
{
	return m->open;
}

unsigned
map_generation(const struct map *m)
{
	return m->generation;
}

int
map_walk(struct map *m, int (*each)(const char *key, size_t klen,
    const char *value, size_t vlen, void *arg), void *arg)
{
	const void *key, *value;
	unsigned at;
	int r;

	if (!m->open)
		return m->missing_ok ? 0 : -1;
	cdb_seqinit(&at, &m->cdb);
	while ((r = cdb_seqnext(&at, &m->cdb)) > 0) {
		key = cdb_get(&m->cdb, cdb_keylen(&m->cdb),
		    cdb_keypos(&m->cdb));
		value = cdb_get(&m->cdb, cdb_datalen(&m->cdb),
		    cdb_datapos(&m->cdb));
		if (key == NULL || value == NULL)
			return -1;
		r = each(key, cdb_keylen(&m->cdb), value,
		    cdb_datalen(&m->cdb), arg);
		if (r != 0)
			return r;
	}
	return r;
}
