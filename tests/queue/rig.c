#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/mail/limits.h"
#include "lib/mail/packed.h"
#include "tests/built.h"
#include "tests/queue/rig.h"

enum { NOBODY = 65534 };

static void
check(int ok, const char *what)
{
	if (!ok)
		log_fatal("rig: %s: %s", what, strerror(errno));
}

static void
make_dir(struct rig *r, const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	check(mkdir(path, 0755) == 0, path);
	if (geteuid() == 0)
		check(chown(path, NOBODY, NOBODY) == 0, path);
}

void
rig_conf(struct rig *r, const char *conf)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/conf/rohrpost.conf", r->dir);
	check((f = fopen(path, "w")) != NULL, path);
	fprintf(f, "hostname = mx.example.test\nstate_dir = %s\n"
	    "message_size = 1M\n%s", r->dir, conf);
	check(fclose(f) == 0, path);
}

void
rig_init(struct rig *r, const char *conf)
{
	static const char *const dirs[] = { "conf", "spool", "spool/queue",
		"jail", "jail/state", "run" };
	char path[200];
	size_t i;

	memset(r, 0, sizeof(*r));
	signal(SIGPIPE, SIG_IGN);
	chan_init(&r->master, -1);
	r->control = -1;
	r->program = getenv("QUEUE_PROGRAM");
	snprintf(r->dir, sizeof(r->dir), "%s/rig.XXXXXX",
	    getenv("RIG_DIR") != NULL ? getenv("RIG_DIR") : "/tmp");
	check(mkdtemp(r->dir) != NULL && chmod(r->dir, 0755) == 0, r->dir);
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		make_dir(r, dirs[i]);
	snprintf(path, sizeof(path), "%s/jail/tables.cdb", r->dir);
	rig_tables(path);
	rig_conf(r, conf);
}

static void
control_socket(struct rig *r)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	r->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/run/queue.ctl", r->dir);
	unlink(a.sun_path);
	check(bind(r->control, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	    listen(r->control, 8) == 0, "control");
}

/* Starts the process, with r->master as its wire. */
static void
spawn(struct rig *r)
{
	char conf[100], path[100];
	int fd[2], log;

	check(fd_pair(fd) == 0, "pair");
	snprintf(conf, sizeof(conf), "%s/conf", r->dir);
	snprintf(path, sizeof(path), "%s/log", r->dir);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	check(log != -1, path);
	if ((r->pid = fork()) == 0) {
		if (fd[1] != SERVER_MASTER_FD)
			dup2(fd[1], SERVER_MASTER_FD);
		else
			fd_cloexec(fd[1], 0);
		if ((r->program == NULL || r->program[0] != '/') &&
		    built_cd() == -1)
			_exit(97);
		if (geteuid() == 0 && (setgid(NOBODY) == -1 ||
		    setuid(NOBODY) == -1))
			_exit(99);
		/* Its log goes with the folder, but where RIG_LOG is set. */
		if (getenv("RIG_LOG") == NULL)
			dup2(log, 2);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(r->program != NULL ? r->program : "queue/queue", "queue",
		    "-c", conf, (char *)NULL);
		_exit(98);
	}
	check(r->pid != -1, "fork");
	close(fd[1]);
	close(log);
	chan_clear(&r->master);
	chan_init(&r->master, fd[0]);
}

void
rig_start(struct rig *r)
{
	spawn(r);
	if (r->control == -1)
		control_socket(r);
	msg_begin(&r->master, &proto_wire, WIRE_LISTEN, 0);
	msg_u32(&r->master, WF_SERVICE, SERVICE_CONTROL);
	msg_fd(&r->master, fcntl(r->control, F_DUPFD_CLOEXEC, 0));
	check(msg_end(&r->master) == 0, "listen");
	msg_begin(&r->master, &proto_wire, WIRE_GO, 0);
	check(msg_end(&r->master) == 0 && chan_send(&r->master, RIG_WAIT) == 0,
	    "go");
}

int
rig_refused(struct rig *r)
{
	int status;

	spawn(r);
	waitpid(r->pid, &status, 0);
	r->pid = 0;
	chan_clear(&r->master);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void
rig_as_queue(void (*run)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status;

	check(pid != -1, "fork");
	if (pid == 0) {
		if (geteuid() == 0 && (setgid(NOBODY) == -1 ||
		    setuid(NOBODY) == -1))
			_exit(1);
		run(arg);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	check(status == 0, "as queue");
}

void
rig_kill(struct rig *r)
{
	if (r->pid > 0) {
		kill(r->pid, SIGKILL);
		waitpid(r->pid, NULL, 0);
	}
	r->pid = 0;
	chan_clear(&r->master);
}

void
rig_stop(struct rig *r)
{
	int status;

	msg_begin(&r->master, &proto_wire, WIRE_STOP, 0);
	check(msg_end(&r->master) == 0 && chan_send(&r->master, RIG_WAIT) == 0,
	    "stop");
	waitpid(r->pid, &status, 0);
	check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "exit status");
	r->pid = 0;
	chan_clear(&r->master);
}

void
rig_clear(struct rig *r)
{
	char cmd[100];

	rig_kill(r);
	fd_close(&r->control);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", r->dir);
	check(system(cmd) == 0, cmd);
}

void
rig_wire(struct rig *r, enum peer kind, struct chan *c)
{
	int fd[2];

	check(fd_pair(fd) == 0, "pair");
	msg_begin(&r->master, &proto_wire, WIRE_PEER, 0);
	msg_u32(&r->master, WF_PEER, kind);
	msg_u32(&r->master, WF_INSTANCE, ++r->instance);
	msg_fd(&r->master, fd[1]);
	check(msg_end(&r->master) == 0 && chan_send(&r->master, RIG_WAIT) == 0,
	    "wire");
	chan_init(c, fd[0]);
}

void
rig_gone(struct rig *r, enum peer kind, uint32_t instance)
{
	msg_begin(&r->master, &proto_wire, WIRE_PEER_GONE, 0);
	msg_u32(&r->master, WF_PEER, kind);
	msg_u32(&r->master, WF_INSTANCE, instance);
	check(msg_end(&r->master) == 0 && chan_send(&r->master, RIG_WAIT) == 0,
	    "gone");
}

/* A number of the next message of that type that master gets; or 0. */
static uint32_t
told(struct rig *r, enum wire_type type, enum wire_field field,
    int timeout_ms)
{
	struct buf why = BUF_INIT(300);
	struct msg m;
	uint32_t got;

	while (msg_recv(&m, &proto_wire, PEER_QUEUE, &r->master, timeout_ms,
	    &why) == 1) {
		got = m.type == type ? msg_get_u32(&m, field) : 0;
		msg_done(&m);
		if (got != 0)
			return got;
	}
	buf_clear(&why);
	return 0;
}

uint32_t
rig_retired(struct rig *r, int timeout_ms)
{
	return told(r, WIRE_RETIRE, WF_INSTANCE, timeout_ms);
}

uint32_t
rig_needed(struct rig *r, int timeout_ms)
{
	return told(r, WIRE_NEED, WF_COUNT, timeout_ms);
}

uint32_t
rig_surplus(struct rig *r, int timeout_ms)
{
	return told(r, WIRE_NEED, WF_INSTANCE, timeout_ms);
}

void
rig_control(struct rig *r, struct chan *c)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/run/queue.ctl", r->dir);
	check(connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0, "connect");
	chan_init(c, fd);
}

size_t
rig_files(struct rig *r, const char *folder, int empty_too)
{
	char path[200];
	struct dirent *d;
	struct stat st;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/spool/queue/%s", r->dir, folder);
	check((dir = opendir(path)) != NULL, path);
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.' && fstatat(dirfd(dir), d->d_name, &st,
		    0) == 0 && (empty_too || st.st_size > 0))
			n++;
	closedir(dir);
	return n;
}

int
rig_file(struct chan *c, char id[17], int *fd_r)
{
	struct buf why = BUF_INIT(300);
	const char *p;
	struct msg m;
	size_t len;
	int r;

	msg_begin(c, &proto_queue, Q_FILE, 7);
	if (msg_end(c) == -1 || chan_send(c, RIG_WAIT) == -1)
		return -1;
	r = msg_recv(&m, &proto_queue, PEER_QUEUE, c, RIG_WAIT, &why);
	buf_clear(&why);
	if (r != 1)
		return -1;
	if (m.type == Q_FILE_IS) {
		p = msg_get(&m, QF_FILE, &len);
		memcpy(id, p, len);
		id[len] = '\0';
		*fd_r = msg_get_fd(&m, 0);
	}
	msg_done(&m);
	return m.type == Q_FILE_IS ? 0 : -1;
}

void
rig_write(int fd, const char *text)
{
	check(fd_write_all(fd, text, strlen(text)) == 0 && fd_sync(fd) == 0 &&
	    close(fd) == 0, "write");
}

static const struct rig_wish none = { .orcpt = "", .envid = "" };

static void
submit(struct chan *c, const char *id, const char *from,
    const char *const *to, const char *text, uint32_t forward, uint32_t final,
    const struct rig_wish *wish)
{
	struct buf packed = BUF_INIT(0);

	for (; *to != NULL; to++) {
		buf_put_lv(&packed, *to, strlen(*to));
		buf_put_lv(&packed, wish->orcpt, strlen(wish->orcpt));
		buf_put_u32(&packed, wish->notify);
	}
	msg_begin(c, &proto_queue, Q_SUBMIT, 8);
	msg_text(c, QF_FILE, id);
	msg_text(c, QF_SENDER, from);
	msg_bytes(c, QF_RECIPIENTS, packed.data, packed.len);
	msg_text(c, QF_CLIENT, "rig [127.0.0.1]");
	msg_u64(c, QF_TIME, (uint64_t)time(NULL));
	msg_u64(c, QF_LENGTH, strlen(text));
	msg_u32(c, QF_CRC, crc32c(0, text, strlen(text)));
	msg_u32(c, QF_FINAL, final);
	msg_u32(c, QF_FORWARD, forward);
	msg_u32(c, QF_FLAGS, wish->flags);
	if (wish->ret != 0)
		msg_u32(c, QF_RET, wish->ret);
	if (wish->envid[0] != '\0')
		msg_text(c, QF_ENVID, wish->envid);
	check(msg_end(c) == 0, "submit");
	(void)!chan_send(c, RIG_WAIT);
	buf_clear(&packed);
}

void
rig_submit(struct chan *c, const char *id, const char *from,
    const char *const *to, const char *text)
{
	submit(c, id, from, to, text, 0, 0, &none);
}

void
rig_submit_at(struct chan *c, const char *id, uint32_t forward,
    uint32_t final, const char *text)
{
	static const char *const to[] = { "a@one.test", NULL };

	submit(c, id, "s@far.test", to, text, forward, final, &none);
}

void
rig_ask(struct chan *c, const char *from, const char *const *to,
    const char *text, const struct rig_wish *wish)
{
	char id[17];
	int fd;

	check(rig_file(c, id, &fd) == 0, "file");
	rig_write(fd, text);
	submit(c, id, from, to, text, 0, 0, wish);
	check(rig_answer(c) == Q_DONE, "submit");
}

void
rig_collect(struct chan *c, const char *id, const char *account,
    const char *key, const char *text)
{
	struct buf packed = BUF_INIT(0);

	buf_put_lv(&packed, "anna@example.test", 17);
	buf_put_lv(&packed, "", 0);
	buf_put_u32(&packed, 0);
	msg_begin(c, &proto_queue, Q_SUBMIT, 8);
	msg_text(c, QF_FILE, id);
	msg_text(c, QF_SENDER, "anna@example.test");
	msg_bytes(c, QF_RECIPIENTS, packed.data, packed.len);
	msg_text(c, QF_CLIENT, "pop.test [127.0.0.1]");
	msg_u64(c, QF_TIME, (uint64_t)time(NULL));
	msg_u64(c, QF_LENGTH, strlen(text));
	msg_u32(c, QF_CRC, crc32c(0, text, strlen(text)));
	msg_u32(c, QF_FINAL, 0);
	msg_u32(c, QF_FORWARD, 0);
	msg_u32(c, QF_FLAGS, 0);
	msg_u32(c, QF_ORIGIN, Q_ORIGIN_COLLECTOR);
	if (account[0] != '\0')
		msg_text(c, QF_ACCOUNT, account);
	if (key[0] != '\0')
		msg_text(c, QF_UIDL, key);
	msg_text(c, QF_MESSAGE_ID, "<1@far.test>");
	check(msg_end(c) == 0, "submit");
	(void)!chan_send(c, RIG_WAIT);
	buf_clear(&packed);
}

int
rig_answer(struct chan *c)
{
	struct buf why = BUF_INIT(300);
	struct msg m;
	int r;

	r = msg_recv(&m, &proto_queue, PEER_QUEUE, c, RIG_WAIT, &why);
	buf_clear(&why);
	if (r != 1)
		return 0;
	msg_done(&m);
	return (int)m.type;
}

int
rig_send(struct chan *c, char id[17], const char *from, const char *const *to,
    const char *text)
{
	int fd;

	if (rig_file(c, id, &fd) == -1)
		return -1;
	rig_write(fd, text);
	rig_submit(c, id, from, to, text);
	return rig_answer(c) == Q_DONE ? 0 : -1;
}

static void
copy_text(const struct msg *m, uint8_t tag, char *to, size_t size)
{
	size_t len;
	const char *p = msg_get(m, tag, &len);

	if (len >= size)
		len = size - 1;
	if (len > 0)
		memcpy(to, p, len);
	to[len] = '\0';
}

static void
copy_lv(struct cursor *c, char to[321])
{
	size_t len;
	const char *p = cursor_lv(c, &len, 320);

	if (p != NULL)
		memcpy(to, p, len);
	to[p != NULL ? len : 0] = '\0';
}

static void
take_dsn(struct rig_job *j, const struct msg *m)
{
	struct packed_dsn d;
	struct cursor c;
	size_t i, len;
	const char *p = msg_get(m, JF_RCPT_DSN, &len);

	cursor_init(&c, p, p != NULL ? len : 0);
	while (packed_dsn(&c, &d) == 1)
		for (i = 0; i < j->n; i++) {
			if (j->rcpt[i].index != d.index)
				continue;
			j->rcpt[i].notify = d.notify;
			memcpy(j->rcpt[i].orcpt, d.orcpt, d.len);
			j->rcpt[i].orcpt[d.len] = '\0';
		}
}

int
rig_job(struct chan *c, struct rig_job *j, int timeout_ms)
{
	struct buf why = BUF_INIT(300);
	struct cursor cur;
	const char *p;
	struct msg m;
	size_t len;
	int r, fd;

	memset(j, 0, sizeof(*j));
	r = msg_recv(&m, &proto_job, PEER_QUEUE, c, timeout_ms, &why);
	buf_clear(&why);
	if (r != 1)
		return r == -1 && errno == ETIMEDOUT ? 0 : -1;
	j->type = m.type;
	j->id = m.id;
	copy_text(&m, JF_FILE, j->file, sizeof(j->file));
	copy_text(&m, JF_ROUTE, j->dest, sizeof(j->dest));
	copy_text(&m, JF_SENDER, j->sender, sizeof(j->sender));
	j->offset = msg_get_u32(&m, JF_OFFSET);
	j->crc = msg_get_u32(&m, JF_CRC);
	j->length = msg_get_u64(&m, JF_LENGTH);
	copy_text(&m, JF_ENVID, j->envid, sizeof(j->envid));
	j->ret = msg_get_u32(&m, JF_RET);
	p = msg_get(&m, JF_RECIPIENTS, &len);
	cursor_init(&cur, p, len);
	while (cursor_left(&cur) > 0 && j->n < 100 && !cur.bad) {
		j->rcpt[j->n].index = cursor_u32(&cur);
		if (m.type == J_DELIVER)
			copy_lv(&cur, j->rcpt[j->n].owner);
		copy_lv(&cur, j->rcpt[j->n].address);
		j->n++;
	}
	take_dsn(j, &m);
	fd = msg_get_fd(&m, 0);
	j->body = calloc(1, j->length + 1);
	if (fd_pread_all(fd, j->body, j->length, 0) == -1)
		j->body[0] = '\0';
	close(fd);
	msg_done(&m);
	return 1;
}

void
rig_job_clear(struct rig_job *j)
{
	free(j->body);
	j->body = NULL;
}

static void
result(struct chan *c, const struct rig_job *j, int i, enum result r,
    int passed, const char *words, const char *host)
{
	struct buf packed = BUF_INIT(0);
	size_t k;

	for (k = 0; k < j->n; k++) {
		if (i != -1 && k != (size_t)i)
			continue;
		packed_put_result(&packed, &(struct packed_result){
		    j->rcpt[k].index, r, passed, words, strlen(words) });
	}
	msg_begin(c, &proto_job, J_RESULT, j->id);
	msg_bytes(c, JF_RESULTS, packed.data, packed.len);
	if (host[0] != '\0')
		msg_text(c, JF_HOST, host);
	check(msg_end(c) == 0, "result");
	(void)!chan_send(c, RIG_WAIT);
	buf_clear(&packed);
}

void
rig_result(struct chan *c, const struct rig_job *j, int i, enum result r,
    const char *words, const char *host)
{
	result(c, j, i, r, 0, words, host);
}

void
rig_passed(struct chan *c, const struct rig_job *j)
{
	result(c, j, -1, RESULT_DELIVERED, 1, "2.0.0 ok", "mx");
}

void
rig_words(struct chan *c, const struct rig_job *j, enum j_type t,
    const char *words)
{
	msg_begin(c, &proto_job, t, j->id);
	msg_text(c, JF_WORDS, words);
	check(msg_end(c) == 0, "words");
	(void)!chan_send(c, RIG_WAIT);
}
