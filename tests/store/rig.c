#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/mail/proto.h"
#include "store/ctl_control.h"
#include "store/door_serve.h"
#include "store/shard.h"
#include "store/shard_threads.h"
#include "store/start.h"
#include "tests/store/rig.h"

enum {
	SEND_AT = 128 * 1024,	/* octets of requests in one write */
	FOLDERS_LEFT = 3,
};

/* What a rig in memory needs at the most, with reserves and logs. */
static const uint64_t MEMORY_ROOM = (uint64_t)1 << 30;

#define MUST(e) do { if (!(e)) { perror(#e); abort(); } } while (0)

static struct rig *self;

static void
init_at(struct rig *r, const char *parent)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->dir, sizeof(r->dir), "%s/rig-store-XXXXXX", parent);
	MUST(mkdtemp(r->dir) != NULL);
	MUST(mkdir(rig_path(r, "spool"), 0755) == 0);
	MUST(mkdir(rig_path(r, "spool/queue"), 0755) == 0);
	MUST(mkdir(rig_path(r, "spool/queue/body"), 0755) == 0);
	MUST(mkdir(rig_path(r, "jail"), 0755) == 0);
	MUST(mkdir(rig_path(r, "jail/state"), 0755) == 0);
	r->queue_id = (uint64_t)clock_now_us();
	r->control = -1;
}

void
rig_init(struct rig *r)
{
	init_at(r, "/tmp");
}

void
rig_init_memory(struct rig *r)
{
	static const char memory[] = "/dev/shm";
	struct statvfs v;

	init_at(r, statvfs(memory, &v) == 0 &&
	    access(memory, W_OK | X_OK) == 0 &&
	    (uint64_t)v.f_bavail * v.f_frsize >= MEMORY_ROOM ? memory :
	    "/tmp");
}

const char *
rig_path(struct rig *r, const char *name)
{
	static char path[4][400];
	static unsigned n;

	n = (n + 1) % 4;
	snprintf(path[n], sizeof(path[n]), "%s/%s", r->dir, name);
	return path[n];
}

static enum lookup renamed(const char *name);

static enum lookup
user(const char *name, struct tables_user *u)
{
	memset(u, 0, sizeof(*u));
	u->pop3_keep = u->expire_trash = u->expire_junk = TABLES_UNSAID;
	if (self->no_tables != NULL &&
	    __atomic_load_n(self->no_tables, __ATOMIC_RELAXED))
		return LOOKUP_ERROR;
	if (self->granted != NULL && strcmp(name, "anna@example.test") == 0)
		*u = *self->granted;
	if (strcmp(name, RIG_FORMER) == 0)
		return renamed(name) == LOOKUP_FOUND ? LOOKUP_ABSENT :
		    LOOKUP_FOUND;
	if (strcmp(name, "bert@example.test") == 0) {
		if (self->no_bert != NULL &&
		    __atomic_load_n(self->no_bert, __ATOMIC_RELAXED))
			return LOOKUP_ABSENT;
		u->quota_size = self->quota_size;
		u->quota_count = self->quota_count;
	}
	return strncmp(name, "nobody", 6) == 0 ? LOOKUP_ABSENT : LOOKUP_FOUND;
}

/* bert's name was bernd, where the tables know bert. */
static enum lookup
former(const char *name, char old_r[ADDRESS_MAX + 1])
{
	if (self->renamed == NULL || __atomic_load_n(self->renamed,
	    __ATOMIC_RELAXED) == 0 || strcmp(name, "bert@example.test") != 0)
		return LOOKUP_ABSENT;
	snprintf(old_r, ADDRESS_MAX + 1, "%s", RIG_FORMER);
	return LOOKUP_FOUND;
}

static enum lookup
renamed(const char *name)
{
	return self->renamed != NULL && __atomic_load_n(self->renamed,
	    __ATOMIC_RELAXED) != 0 && strcmp(name, RIG_FORMER) == 0 ?
	    LOOKUP_FOUND : LOOKUP_ABSENT;
}

static enum lookup
sum(const char *name, struct tables_sum *s)
{
	const char *at = strrchr(name, '@');

	memset(s, 0, sizeof(*s));
	snprintf(s->domain, sizeof(s->domain), "%s",
	    at != NULL ? at + 1 : name);
	if (strcmp(s->domain, "alias.test") == 0 || (self->sum != NULL &&
	    self->sum->other && strcmp(s->domain, "other.test") == 0))
		snprintf(s->domain, sizeof(s->domain), "example.test");
	if (self->sum == NULL || strcmp(s->domain, "example.test") != 0)
		return LOOKUP_FOUND;
	s->size = __atomic_load_n(&self->sum->size, __ATOMIC_RELAXED);
	s->count = __atomic_load_n(&self->sum->count, __ATOMIC_RELAXED);
	return __atomic_load_n(&self->sum->no_tables, __ATOMIC_RELAXED) ?
	    LOOKUP_ERROR : LOOKUP_FOUND;
}

static enum lookup
sums(void)
{
	struct tables_sum s;
	enum lookup r = sum("example.test", &s);

	return r == LOOKUP_FOUND && s.size == 0 && s.count == 0 ?
	    LOOKUP_ABSENT : r;
}

static enum lookup
postmasters(const char *domain, struct buf *names)
{
	static const char anna[] = "anna@example.test";

	if (strcmp(domain, "example.test") != 0)
		return LOOKUP_ABSENT;
	buf_put_lv(names, anna, sizeof(anna) - 1);
	return LOOKUP_FOUND;
}

static void
stopped(void)
{
	ev_break(ev_default_loop(0), EVBREAK_ALL);
}

static void
stop_cb(struct ev_loop *loop, ev_io *w, int revents)
{
	ev_io_stop(loop, w);
	store_stop();
}

static int
control_socket(struct rig *r)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/ctl", r->dir);
	unlink(a.sun_path);
	MUST(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	MUST(listen(fd, 5) == 0);
	return fd;
}

/* The end of a store in order leaves no file of a mailbox open, nor one of
   queue's; what was cut short by the end, perhaps a folder. */
static int
left_open(struct rig *r)
{
	char link[300], path[500];
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	int files = 0, folders = 0;
	struct stat st;
	ssize_t n;

	while ((e = readdir(d)) != NULL) {
		snprintf(link, sizeof(link), "/proc/self/fd/%s", e->d_name);
		if ((n = readlink(link, path, sizeof(path) - 1)) <= 0)
			continue;
		path[n] = '\0';
		if (strncmp(path, r->dir, strlen(r->dir)) != 0 ||
		    (strstr(path, "/mail/example.test") == NULL &&
		    strstr(path, "/mail/.new/") == NULL &&
		    strstr(path, "/queue/body/") == NULL))
			continue;
		if (fstat(atoi(e->d_name), &st) == -1)
			continue;
		fprintf(stderr, "left open: %s\n", path);
		if (S_ISDIR(st.st_mode))
			folders++;
		else
			files++;
	}
	closedir(d);
	return files > 0 || folders > FOLDERS_LEFT;
}

static void
child(struct rig *r, int stop, int listener, const int *fds)
{
	static const enum peer kind[] = { PEER_IMAPD, PEER_IMAPD, PEER_IMAPD,
		PEER_IMAPD, PEER_POP3D, PEER_POP3D, PEER_DELIVER, PEER_DELIVER,
		PEER_FOLLOW, PEER_FOLLOW };
	static const int deadly[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL,
		SIGSYS };
	static const char *const who[] = { "anna@example.test",
		"anna@example.test", "bert@example.test", "bert@example.test",
		"anna@example.test", "anna@example.test", "", "", "", "" };
	struct buf why = BUF_INIT(300);
	struct ev_loop *loop = ev_default_loop(0);
	unsigned i;
	ev_io w;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* What ends a store is no failure of a test to go on behind. */
	for (i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		signal(deadly[i], SIG_DFL);
	log_init("store", 1);
	self = r;
	if (r->in_child != NULL)
		r->in_child();
	store.conf.state_dir = r->dir;
	store.conf.expunged_keep = 3600;
	store.conf.pop3_keep = r->pop3_keep;
	store.conf.expire = r->expire;
	store.conf.queue_lifetime = 5 * 86400;
	store.conf.expunged_size = 1 << 30;
	store.conf.cache = getenv("RIG_CACHE") != NULL ?
	    (uint64_t)atoll(getenv("RIG_CACHE")) : 16 << 20;
	store.conf.threads = getenv("RIG_THREADS") != NULL ?
	    (uint64_t)atoi(getenv("RIG_THREADS")) : 2;
	store.user = user;
	store.former = former;
	store.renamed = renamed;
	store.moving = renamed;
	store.sum = sum;
	store.sums = sums;
	store.postmasters = postmasters;
	store.stopped = stopped;
	if (start_open(&why) != 0)
		log_fatal("%s", buf_str(&why));
	store_threads(loop);
	ctl_listen(loop, listener);
	for (i = 0; i < RIG_DOORS; i++)
		client_new(kind[i], i, who[i], fds[i]);
	ev_io_init(&w, stop_cb, stop, EV_READ);
	ev_io_start(loop, &w);
	ev_run(loop, 0);
	exit(left_open(r));
}

void
rig_start(struct rig *r)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int ours[RIG_DOORS], theirs[RIG_DOORS], pair[2], stop[2], i, listener;

	for (i = 0; i < RIG_DOORS; i++) {
		MUST(fd_pair(pair) == 0);
		ours[i] = pair[0];
		theirs[i] = pair[1];
	}
	MUST(fd_pair(stop) == 0);
	listener = control_socket(r);
	fflush(NULL);
	r->pid = fork();
	MUST(r->pid != -1);
	if (r->pid == 0) {
		for (i = 0; i < RIG_DOORS; i++)
			close(ours[i]);
		close(stop[0]);
		child(r, stop[1], listener, theirs);
	}
	for (i = 0; i < RIG_DOORS; i++)
		close(theirs[i]);
	close(stop[1]);
	close(listener);
	r->stop = stop[0];
	for (i = 0; i < RIG_IMAP; i++)
		door_init(&r->imap[i], PEER_IMAPD, ours[i]);
	for (i = 0; i < 2; i++) {
		door_init(&r->pop[i], PEER_POP3D, ours[4 + i]);
		door_init(&r->deliver[i], PEER_DELIVER, ours[6 + i]);
		door_init(&r->follow[i], PEER_FOLLOW, ours[8 + i]);
	}
	r->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/ctl", r->dir);
	if (connect(r->control, (struct sockaddr *)&a, sizeof(a)) == -1)
		perror("control: connect"); /* it died at once */
}

static void
rig_doors(struct rig *r)
{
	int i;

	for (i = 0; i < RIG_IMAP; i++)
		door_clear(&r->imap[i]);
	for (i = 0; i < 2; i++) {
		door_clear(&r->pop[i]);
		door_clear(&r->deliver[i]);
		door_clear(&r->follow[i]);
	}
	fd_close(&r->control);
	fd_close(&r->stop);
}

int
rig_stop(struct rig *r)
{
	int status = -1;

	close(r->stop);
	r->stop = -1;
	MUST(waitpid(r->pid, &status, 0) == r->pid);
	rig_doors(r);
	r->pid = 0;
	return status;
}

void
rig_kill(struct rig *r)
{
	int status;

	kill(r->pid, SIGKILL);
	MUST(waitpid(r->pid, &status, 0) == r->pid);
	rig_doors(r);
	r->pid = 0;
}

void
rig_clear(struct rig *r)
{
	char cmd[200];

	/* In order, so that what it lost is seen: memory, descriptors. */
	if (r->pid != 0 && rig_stop(r) != 0) {
		fprintf(stderr, "store did not end in order\n");
		abort();
	}
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", r->dir);
	MUST(system(cmd) == 0);
}

void
rig_file(struct rig *r, const char *text, char id_r[17])
{
	char name[60];
	int fd;

	snprintf(id_r, 17, "%016llx", (unsigned long long)r->queue_id++);
	snprintf(name, sizeof(name), "spool/queue/body/%s", id_r);
	fd = open(rig_path(r, name), O_WRONLY | O_CREAT | O_EXCL, 0660);
	MUST(fd != -1);
	MUST(fd_write_all(fd, text, strlen(text)) == 0);
	close(fd);
}

int
rig_open(struct rig *r, const char *id)
{
	char name[60];

	snprintf(name, sizeof(name), "spool/queue/body/%s", id);
	return open(rig_path(r, name), O_RDONLY | O_CLOEXEC);
}

int
rig_send(struct door *d, uint32_t id, const char *queue_id, const char *owner,
    int fd, uint64_t size, uint32_t header_len)
{
	static const char cache[1024] = "cache";

	struct door_delivery v = { .queue_id = queue_id, .owner = owner,
		.size = size, .header_len = header_len, .date = 1700000000,
		.cache = cache, .cache_len = sizeof(cache) };

	return rig_send_as(d, id, &v, fd);
}

int
rig_send_as(struct door *d, uint32_t id, const struct door_delivery *v, int fd)
{
	if (door_put_deliver(&d->chan, id, v, fd) == -1)
		return -1;
	if (d->chan.out.len < SEND_AT)
		return 0;
	return d->chan.fd != -1 && chan_flush(&d->chan) == 1 ? 0 : -1;
}

int
rig_answer(struct door *d, uint32_t *id_r, enum result *result_r,
    char words_r[RESULT_WORDS_MAX + 1])
{
	struct pollfd p = { .fd = d->chan.fd, .events = POLLIN };
	struct buf why = BUF_INIT(200);
	struct msg m;
	int r;

	if (d->chan.fd == -1 || chan_flush(&d->chan) != 1)
		return -1;
	r = msg_next(&m, &proto_door, PEER_STORE, &d->chan, &why);
	if (r == 0 && poll(&p, 1, 0) == 1)
		r = chan_read(&d->chan) != 1 ? -1 : msg_next(&m, &proto_door,
		    PEER_STORE, &d->chan, &why);
	buf_clear(&why);
	if (r != 1)
		return r;
	r = door_get_delivered(&m, result_r, words_r);
	*id_r = m.id;
	msg_done(&m);
	return r == 0 ? 1 : -1;
}

enum result
rig_deliver(struct rig *r, const char *id, const char *owner, char *words)
{
	struct door *d = &r->deliver[0];
	char w[RESULT_WORDS_MAX + 1];
	enum result result = RESULT_NEVER;
	int fd = rig_open(r, id), got;
	struct pollfd p = { .fd = d->chan.fd, .events = POLLIN };
	struct stat st;
	uint32_t n;

	MUST(fd != -1 && fstat(fd, &st) == 0);
	if (rig_send(d, 7, id, owner, fd, (uint64_t)st.st_size, 4) == -1)
		return RESULT_LATER;
	while ((got = rig_answer(d, &n, &result, w)) == 0)
		MUST(poll(&p, 1, 120000) == 1);
	if (got == -1)
		return RESULT_LATER;
	MUST(n == 7);
	if (words != NULL)
		strcpy(words, w);
	return result;
}

uint32_t
rig_mailbox(struct rig *r, struct door *d, const char *name)
{
	struct door_mailbox *list;
	uint32_t id = 0;
	size_t i, n;

	MUST(door_list(d, &list, &n) == 0);
	for (i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			id = list[i].id;
	door_list_free(&list, n);
	return id;
}

int
rig_control(struct rig *r, unsigned type, const char *who, struct buf *out)
{
	struct buf why = BUF_INIT(300);
	struct chan c;
	struct msg m;
	struct cursor k;
	const char *p;
	size_t len;
	int rows = 0;

	chan_init(&c, dup(r->control));
	msg_begin(&c, &proto_ctl, type, 9);
	if (who != NULL)
		msg_text(&c, CF_USER, who);
	MUST(msg_end(&c) == 0);
	(void)!chan_send(&c, 1000);
	for (;;) {
		if (msg_recv(&m, &proto_ctl, PEER_STORE, &c, 600000,
		    &why) != 1) {
			chan_clear(&c);
			buf_clear(&why);
			return RIG_DIED;
		}
		if (m.type == C_END)
			break;
		rows++;
		p = msg_get(&m, CF_VALUES, &len);
		cursor_init(&k, p, m.type == C_ROW ? len : 0);
		while (cursor_left(&k) > 0) {
			(void)cursor_u8(&k);
			p = cursor_lv(&k, &len, 1000);
			buf_append(out, p, len);
			buf_putc(out, cursor_left(&k) > 0 ? '|' : '\n');
		}
		msg_done(&m);
	}
	if (msg_get_u32(&m, CF_STATUS) != C_OK)
		rows = -1;
	msg_done(&m);
	chan_clear(&c);
	return rows;
}

size_t
rig_find(struct rig *r, struct door *d, uint32_t id, const char *text,
    size_t *n_r)
{
	struct door_record *rec;
	uint32_t *gone;
	uint64_t modseq;
	size_t i, n, n_gone, found = 0;
	struct buf b = BUF_INIT(1 << 20);
	int complete, fd;

	MUST(door_records(d, id, 0, &rec, &n, &gone, &n_gone, &modseq,
	    &complete) == 0);
	for (i = 0; i < n; i++) {
		MUST(door_open(d, id, &rec[i].uid, 1, &fd) == 0);
		if (fd == -1)
			continue;
		buf_reset(&b);
		MUST(fd_slurp(fd, &b) == 0 && b.len == rec[i].size);
		close(fd);
		found += strcmp(buf_str(&b), text) == 0;
	}
	*n_r = n;
	free(rec);
	free(gone);
	buf_clear(&b);
	return found;
}
