/*
 * A stand-in for any program of the suite, for tests of the skeletons and of
 * master: the name it is started by says which. It logs what master tells it,
 * and answers a client's lines:
 *
 *   who        "<program> <pid> <uid>"
 *   peers      "<peer> ..." it has a channel to
 *   ask PEER   sends a line over that channel: "<peer> <pid>" comes back
 *   start USER login: a session of that user by way of auth; copies one line
 *   hold USER  the same, and the session stays; pop3:USER is one of pop3d
 *   kill PID   signals that process: "signalled" or the error
 *   rob PID    tries all ways to its descriptors and memory: "<way> <error>,
 *              ...", with the error 0 where one was open
 *   frame HEX  sends master those octets; framefd HEX: with a descriptor
 *   eat        takes memory, as much as there is
 *   need N     queue is asked to say so to master, of relay: "said"; need -1:
 *              that one of relay may go
 *   lose       closes the channel to master, and stays
 *   die        abort; exit: ends with status 0
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/server/program.h"
#include "lib/server/server.h"

enum {
	PEERS_MAX = 64,
	LINE = 400,
	LOCAL_SESSIONS = 3,	/* of a worker on the local socket, then it goes */
};

struct conf {
	char	*state_dir, *word;
	int	 verbose;
};

static struct conf conf;
static const struct settings_key keys[] = {
	SETTINGS_KEY_STATE(struct conf, state_dir),
	SETTINGS_KEY_VERBOSE(struct conf, verbose),
	{ "probe_word", SETTINGS_TEXT, offsetof(struct conf, word), "plain", 1,
	  20, NULL, "what the probe says" },
	SETTINGS_END
};

static struct server me;

static enum peer
peer_by_name(const char *name)
{
	unsigned i;

	for (i = 1; i < PEER_COUNT; i++)
		if (strcmp(peer_name((enum peer)i), name) == 0)
			return (enum peer)i;
	return PEER_NONE;
}

/* Loop shape: a channel to a neighbour, a client, or a session. */
struct end {
	ev_io	 io;
	int	 used, client;
	enum peer peer;
	enum service service;
	uint32_t instance;
	int	 waits;		/* of a client: descriptor that asked */
};
static struct end ends[PEERS_MAX];
static unsigned sessions;

static void
say(int fd, const char *fmt, ...) ATTR_PRINTF(2, 3);

static void
say(int fd, const char *fmt, ...)
{
	char text[LINE];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (send(fd, text, (size_t)n, MSG_NOSIGNAL) == -1)
		log_debug("say: %s", strerror(errno));
}

static void
who(int fd)
{
	say(fd, "%s %d %d %s\n", peer_name(me.kind), (int)getpid(),
	    (int)getuid(), conf.word);
}

/* Reads one line, blocking or not; -1 at the end. */
static int
get_line(int fd, char *line)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n = 0;

	while (n < LINE - 1) {
		poll(&p, 1, 2000);
		if (read(fd, line + n, 1) != 1)
			return -1;
		if (line[n] == '\n')
			break;
		n++;
	}
	line[n] = '\0';
	return 0;
}

static void
hostile(int fd, const char *pid)
{
	int r = kill((pid_t)atoi(pid), SIGTERM);

	say(fd, "%s\n", r == 0 ? "signalled" : strerror(errno));
}

/* The error of a system call, or 0. */
static int
error_of(long r)
{
	return r == -1 ? errno : 0;
}

static int
open_of(pid_t pid, const char *what)
{
	char path[80];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	return error_of(open(path, O_RDONLY | O_CLOEXEC));
}

static void
rob(int fd, const char *word)
{
	pid_t pid = (pid_t)atoi(word);
	char octet[1];
	struct iovec mine = { .iov_base = octet, .iov_len = 1 };
	struct iovec other = { .iov_base = &me, .iov_len = 1 };
	int way[7];
	long pidfd;

	pidfd = syscall(SYS_pidfd_open, pid, 0);
	way[0] = error_of(pidfd);
	way[1] = error_of(syscall(SYS_pidfd_getfd, pidfd, 3, 0));
	way[2] = error_of(ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	way[3] = error_of(process_vm_readv(pid, &mine, 1, &other, 1, 0));
	way[4] = error_of(process_vm_writev(pid, &mine, 1, &other, 1, 0));
	way[5] = open_of(pid, "mem");
	way[6] = open_of(pid, "fd/3");
	say(fd, "pidfd_open %d, pidfd_getfd %d, ptrace %d, "
	    "process_vm_readv %d, process_vm_writev %d, mem %d, fd %d\n",
	    way[0], way[1], way[2], way[3], way[4], way[5], way[6]);
}

/* fd -1: none. */
static void
send_with(int sock, const void *data, size_t len, int fd)
{
	union {
		struct cmsghdr h;
		char b[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data,
		.iov_len = len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *h;

	if (fd != -1) {
		memset(&ctl, 0, sizeof(ctl));
		m.msg_control = &ctl;
		m.msg_controllen = sizeof(ctl);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(int));
	}
	sendmsg(sock, &m, MSG_NOSIGNAL);
}

static void
frame(const char *hex, int fd)
{
	unsigned char data[LINE];
	size_t n = 0;
	unsigned octet;

	while (n < sizeof(data) && sscanf(hex + 2 * n, "%2x", &octet) == 1)
		data[n++] = (unsigned char)octet;
	send_with(SERVER_MASTER_FD, data, n, fd);
}

static void
eat(void)
{
	enum { PIECE = 1 << 20 };
	char *p;

	while ((p = malloc(PIECE)) != NULL)
		memset(p, 1, PIECE);
	log_fatal("no more memory");
}

static void
lose(void)
{
	close(SERVER_MASTER_FD);
	for (;;)
		pause();
}

/* What both shapes know. 1 if it was such a word. */
static int
common(int fd, const char *line)
{
	if (strcmp(line, "who") == 0)
		who(fd);
	else if (strncmp(line, "kill ", 5) == 0)
		hostile(fd, line + 5);
	else if (strncmp(line, "rob ", 4) == 0)
		rob(fd, line + 4);
	else if (strncmp(line, "frame ", 6) == 0)
		frame(line + 6, -1);
	else if (strncmp(line, "framefd ", 8) == 0)
		frame(line + 8, STDIN_FILENO);
	else if (strcmp(line, "eat") == 0)
		eat();
	else if (strcmp(line, "lose") == 0)
		lose();
	else if (strcmp(line, "die") == 0)
		abort();
	else if (strcmp(line, "exit") == 0)
		exit(0);
	else
		return 0;
	return 1;
}

/* Loop shape. */

static void on_end(struct ev_loop *, ev_io *, int);

static struct end *
end_new(struct ev_loop *loop, int fd)
{
	struct end *e = ends;

	while (e < ends + PEERS_MAX && e->used)
		e++;
	if (e == ends + PEERS_MAX)
		log_fatal("too many ends");
	memset(e, 0, sizeof(*e));
	e->used = 1;
	e->waits = -1;
	ev_io_init(&e->io, on_end, fd, EV_READ);
	e->io.data = e;
	ev_io_start(loop, &e->io);
	return e;
}

static void
end_free(struct ev_loop *loop, struct end *e)
{
	int fd = e->io.fd;

	ev_io_stop(loop, &e->io);
	fd_close(&fd);
	if (e->used && e->peer == PEER_NONE && !e->client)
		server_sessions(--sessions);
	e->used = 0;
}

static struct end *
peer_end(enum peer p)
{
	struct end *e;

	for (e = ends; e < ends + PEERS_MAX; e++)
		if (e->used && e->peer == p)
			return e;
	return NULL;
}

static void
tell_peers(int fd)
{
	char text[LINE] = "";
	struct end *e;

	for (e = ends; e < ends + PEERS_MAX; e++)
		if (e->used && e->peer != PEER_NONE)
			snprintf(text + strlen(text),
			    sizeof(text) - strlen(text), "%s ",
			    peer_name(e->peer));
	say(fd, "%s\n", text);
}

static void
ask(int fd, enum peer p)
{
	struct end *e = peer_end(p);
	char line[LINE] = "nobody";

	if (e != NULL) {
		say(e->io.fd, "who\n");
		if (get_line(e->io.fd, line) == -1)
			str_copy(line, sizeof(line), "lost");
	}
	say(fd, "%s\n", line);
}

static int
receive_fd(int sock)
{
	union {
		struct cmsghdr h;
		char b[CMSG_SPACE(sizeof(int))];
	} ctl;
	char text[LINE];
	struct iovec iov = { .iov_base = text, .iov_len = sizeof(text) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &ctl, .msg_controllen = sizeof(ctl) };
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int fd = -1;

	poll(&p, 1, 5000);
	if (recvmsg(sock, &m, MSG_CMSG_CLOEXEC) > 0 &&
	    CMSG_FIRSTHDR(&m) != NULL)
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	return fd;
}

/*
 * login: asks auth, which asks master; then one line goes to the session,
 * which ends unless it is to stay.
 */
static void
start(int fd, const char *user, int stay)
{
	char line[LINE] = "refused", *words;
	struct end *e = peer_end(PEER_AUTH);
	int s;

	words = strchr(user, ' ');
	if (words != NULL)
		*words++ = '\0';
	if (e != NULL) {
		say(e->io.fd, "start %s\n", user);
		s = receive_fd(e->io.fd);
		if (s != -1) {
			say(s, "%s\n", words != NULL ? words : "who");
			if (get_line(s, line) == -1)
				str_copy(line, sizeof(line), "lost");
			if (!stay)
				fd_close(&s);
		}
	}
	say(fd, "%s\n", line);
}

/* auth: a session of imapd, or of pop3d for pop3:USER. */
static void
start_from(int fd, const char *user)
{
	enum service service = SERVICE_IMAP;

	if (strncmp(user, "pop3:", 5) == 0) {
		service = SERVICE_POP3;
		user += 5;
	}
	server_start(&(struct server_login){ .service = service, .user = user,
	    .remote = "192.0.2.1:99", .tls = "" }, (uint32_t)fd);
}

/* queue. */
static void
need(int fd, int n)
{
	struct end *e = peer_end(PEER_RELAY);

	if (n >= 0)
		server_need(PEER_RELAY, (uint32_t)n, 0);
	else if (e != NULL)
		server_need(PEER_RELAY, 0, e->instance);
	say(fd, "said\n");
}

static void
on_end(struct ev_loop *loop, ev_io *w, int events)
{
	struct end *e = w->data;
	char line[LINE];

	if (get_line(w->fd, line) == -1) {
		end_free(loop, e);
		return;
	}
	if (common(w->fd, line))
		return;
	if (strcmp(line, "peers") == 0)
		tell_peers(w->fd);
	else if (strncmp(line, "ask ", 4) == 0)
		ask(w->fd, peer_by_name(line + 4));
	else if (strncmp(line, "start ", 6) == 0 && me.kind == PEER_AUTH)
		start_from(w->fd, line + 6);
	else if (strncmp(line, "start ", 6) == 0)
		start(w->fd, line + 6, 0);
	else if (strncmp(line, "hold ", 5) == 0)
		start(w->fd, line + 5, 1);
	else if (strncmp(line, "need ", 5) == 0 && me.kind == PEER_QUEUE)
		need(w->fd, atoi(line + 5));
	else
		say(w->fd, "what\n");
}

static void
wired(struct ev_loop *loop, const struct wire *w)
{
	struct end *e = end_new(loop, w->fd);

	log_debug("wired %s %u %s", peer_name(w->peer), w->instance, w->user);
	e->peer = w->peer;
	e->instance = w->instance;
}

static void
peer_gone(struct ev_loop *loop, enum peer p, uint32_t instance)
{
	struct end *e;

	log_debug("gone %s %u", peer_name(p), instance);
	for (e = ends; e < ends + PEERS_MAX; e++)
		if (e->used && e->peer == p && e->instance == instance)
			end_free(loop, e);
}

static void
on_client(struct ev_loop *loop, ev_io *w, int events)
{
	enum service service = (enum service)(long)w->data;
	struct session s;
	int r = server_accept(w->fd, service, &s);

	if (r == 1)
		end_new(loop, s.fd)->client = 1;
	else if (r == -1) {
		ev_io_stop(loop, w);
		close(w->fd);
		free(w);
	}
}

static void
listening(struct ev_loop *loop, enum service service, int fd)
{
	ev_io *w = mem_zalloc(1, sizeof(*w));

	ev_io_init(w, on_client, fd, EV_READ);
	w->data = (void *)(long)service;
	ev_io_start(loop, w);
}

static void
session(struct ev_loop *loop, const struct session *s)
{
	log_debug("session of %s from %s", s->user, s->remote);
	end_new(loop, s->fd);
	server_sessions(++sessions);
}

static void
started(struct ev_loop *loop, uint32_t id, int fd, int full,
    const char *words)
{
	if (fd == -1) {
		log_info("refused: %s", words);
		say((int)id, "N\n");
	} else
		send_with((int)id, "S\n", 2, fd);
	fd_close(&fd);
}

static int
reload(void)
{
	log_info("reloaded %s, certificate %s", conf.word,
	    server_file(SERVER_FILE_CERT) != -1 ? "came" : "did not come");
	return 0;
}

/* Work shape. */

/* Says it to the peer; his answer is the client's. */
static void
work_ask(int fd, enum peer p, const char *question)
{
	char line[LINE] = "nobody";
	struct chan *c;
	int try;

	for (try = 0; try < 2; try++) {
		if ((c = server_peer(p, 2000)) == NULL)
			break;
		say(c->fd, "%s\n", question);
		if (get_line(c->fd, line) == 0)
			break;
		str_copy(line, sizeof(line), "lost");
		server_peer_lost(p);
	}
	say(fd, "%s\n", line);
}

static void
serve(const struct session *s)
{
	char line[LINE];
	int fd = s->fd;

	while (get_line(fd, line) == 0) {
		if (common(fd, line))
			continue;
		if (strncmp(line, "ask ", 4) == 0)
			work_ask(fd, peer_by_name(line + 4), "who");
		else if (strncmp(line, "need ", 5) == 0)
			work_ask(fd, PEER_QUEUE, line);
		else if (strcmp(line, "session") == 0)
			say(fd, "%s %s %s %ld\n", service_name(s->service),
			    s->user, s->remote, s->uid);
		else
			say(fd, "what\n");
	}
	fd_close(&fd);
	if (server_service() == SERVICE_SUBMISSION)
		server_retire();
}

static int
check(struct buf *why)
{
	if (strcmp(conf.word, "wrong") != 0)
		return 0;
	buf_set(why, "probe_word: \"wrong\" is wrong");
	return -1;
}

/* An early death, for the back-off: the word names the program. */
static int
before_jail(void)
{
	if (me.kind == PEER_SMTPD && server_service() == SERVICE_LOCAL)
		me.max_sessions = LOCAL_SESSIONS;
	if (strncmp(conf.word, "never-", 6) == 0 &&
	    strcmp(conf.word + 6, peer_name(me.kind)) == 0)
		log_usage("my files are of a newer version");
	if (strncmp(conf.word, "no-", 3) == 0 &&
	    strcmp(conf.word + 3, peer_name(me.kind)) == 0) {
		log_warn("I will not");
		return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	enum peer p = peer_by_name(name != NULL ? name + 1 : argv[0]);
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++)
		if (programs[i].kind == p && programs[i].pool != POOL_RESERVED)
			break;
	if (i == PROGRAM_COUNT)
		return 1;
	me = (struct server){ .kind = p, .keys = keys, .conf = &conf,
		.state_dir = (const char **)&conf.state_dir,
		.verbose = &conf.verbose, .check = check,
		.before_jail = before_jail,
		.reload = reload, .wired = wired, .peer_gone = peer_gone,
		.listening = listening, .session = session,
		.started = started, .serve = serve,
		.max_sessions = p == PEER_POP3D };
	if (programs[i].loop)
		return server_loop_main(argc, argv, &me);
	return server_work_main(argc, argv, &me);
}
