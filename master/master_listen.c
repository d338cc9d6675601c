#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/net/addr.h"
#include "master/master_listen.h"
#include "master/master_proc.h"
#include "master/master_setup.h"

enum {
	BACKLOG = 1024,
	BIND_TRIES = 10,
	BIND_WAIT = 50000,	/* us */
};

struct master_listener {
	TAILQ_ENTRY(master_listener) link;
	enum service service;
	int	 local;		/* a Unix socket: of that row alone */
	enum program_id row;	/* PROGRAM_COUNT: master's own */
	char	 name[ADDR_TEXT_MAX];	/* address, or name under run/ */
	int	 fd, wanted, fresh;
};
static TAILQ_HEAD(, master_listener) listeners =
    TAILQ_HEAD_INITIALIZER(listeners);
static int no_ipv6;	/* left out: an address of all of IPv6 */

static int
open_tcp(const struct addr *a, struct buf *why)
{
	char name[ADDR_TEXT_MAX];
	int e, fd, on = 1;

	addr_print((const struct sockaddr *)&a->ss, name, sizeof(name));
	fd = socket(a->ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd != -1 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    (a->ss.ss_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
	    bind(fd, (const struct sockaddr *)&a->ss, a->len) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	e = errno;
	fd_close(&fd);
	buf_set(why, "%s: %s", name, strerror(e));
	errno = e;
	return -1;
}

/*
 * The children of a master that was killed hold its ports until the kernel has
 * ended them too, which is a moment after we have got the lock.
 */
static int
open_patiently(const struct addr *a, struct buf *why)
{
	int fd, tries = master.phase == PHASE_START ? BIND_TRIES : 1;

	while ((fd = open_tcp(a, why)) == -1 && errno == EADDRINUSE &&
	    --tries > 0)
		usleep(BIND_WAIT);
	return fd;
}

static struct master_listener *
find(enum service service, const char *name)
{
	struct master_listener *l;

	TAILQ_FOREACH(l, &listeners, link)
		if (l->service == service && strcmp(l->name, name) == 0)
			return l;
	return NULL;
}

static struct master_listener *
add(enum service service, int local, const char *name, int fd)
{
	struct master_listener *l = mem_zalloc(1, sizeof(*l));

	l->service = service;
	l->local = local;
	l->row = PROGRAM_COUNT;
	l->fd = fd;
	l->fresh = l->wanted = 1;
	snprintf(l->name, sizeof(l->name), "%s", name);
	TAILQ_INSERT_TAIL(&listeners, l, link);
	return l;
}

static void
drop(struct master_listener *l)
{
	/* A Unix socket that was shut down says EAGAIN to accept(2), and is
	   readable for ever: it is closed by those who hold it. */
	if (l->local)
		unlink(setup_path(l->name));
	else
		shutdown(l->fd, SHUT_RDWR);
	fd_close(&l->fd);
	TAILQ_REMOVE(&listeners, l, link);
	free(l);
}

/* Is one of the two the address of all, at the other's port? */
static int
covers(const char *a, const char *b)
{
	static const char *const all[] = { "0.0.0.0:", "[::]:" };
	const char *port = strrchr(a, ':'), *other = strrchr(b, ':');
	size_t i;

	if (port == NULL || other == NULL || strcmp(port, other) != 0 ||
	    (a[0] == '[') != (b[0] == '['))
		return 0;
	for (i = 0; i < 2; i++)
		if (strncmp(a, all[i], strlen(all[i])) == 0 ||
		    strncmp(b, all[i], strlen(all[i])) == 0)
			return 1;
	return 0;
}

/* A port that a listener of ours has until this change is made. */
static void
name_own(const char *name, struct buf *why)
{
	const struct master_listener *l;

	TAILQ_FOREACH(l, &listeners, link)
		if (!l->local && (strcmp(l->name, name) == 0 ||
		    covers(l->name, name)))
			buf_set(why, "%s: our own listen_%s has %s still: "
			    "give it up there by a reload first, or stop and "
			    "start", name, service_name(l->service), l->name);
}

/*
 * An address of IPv6 that this host cannot have is left out: no fault of the
 * operator's, who may have named none. 0, or -1 where the fault is another.
 */
static int
leave_out(enum service service, const struct addr *a, int e,
    const struct buf *why)
{
	if (a->ss.ss_family != AF_INET6 ||
	    (e != EAFNOSUPPORT && e != EADDRNOTAVAIL))
		return -1;
	if (e == EAFNOSUPPORT && addr_is_any((const struct sockaddr *)&a->ss))
		no_ipv6 = 1;	/* one line for all ports */
	else
		log_warn("listen_%s: %s", service_name(service), buf_str(why));
	return 0;
}

/* One address of a list. */
static int
want(enum service service, const struct addr *a, unsigned *open,
    struct buf *why)
{
	char name[ADDR_TEXT_MAX];
	struct master_listener *l;
	int e, fd;

	addr_print((const struct sockaddr *)&a->ss, name, sizeof(name));
	if ((l = find(service, name)) != NULL) {
		l->wanted = 1;
		++*open;
		return 0;
	}
	if ((fd = open_patiently(a, why)) != -1) {
		add(service, 0, name, fd);
		++*open;
		return 0;
	}
	e = errno;
	if (e == EADDRINUSE)
		name_own(name, why);
	return leave_out(service, a, e, why);
}

static int
want_list(enum service service, const char *text, struct buf *why)
{
	struct buf reason = BUF_INIT(300);
	struct addr *list = NULL;
	unsigned open = 0;
	size_t i, n = 0;
	int r;

	r = addr_parse_list(text, 0, &list, &n, &reason);
	for (i = 0; r == 0 && i < n; i++)
		r = want(service, &list[i], &open, &reason);
	if (r == 0 && n > 0 && open == 0)
		r = -1;
	if (r == -1)
		buf_set(why, "listen_%s: %s", service_name(service),
		    buf_str(&reason));
	buf_clear(&reason);
	free(list);
	return r;
}

static int
belongs(const struct master_listener *l, enum program_id row)
{
	if (l->local)
		return l->row == row;
	return (programs[row].services & SERVICE_BIT(l->service)) != 0;
}

/* WIRE_LISTEN for one socket. */
static void
give(struct proc *p, const struct master_listener *l)
{
	int fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 0);

	if (fd == -1) {
		log_warn("%s: %s", programs[p->row].name, strerror(errno));
		return;
	}
	link_begin(&p->link, WIRE_LISTEN, 0);
	msg_u32(&p->link.chan, WF_SERVICE, l->service);
	msg_fd(&p->link.chan, fd);
	proc_end(p);
}

/* Tells the loops of a port that opened while they run. */
static void
give_fresh(const struct master_listener *l)
{
	struct proc *p;
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++) {
		if (!programs[i].loop || !belongs(l, (enum program_id)i))
			continue;
		TAILQ_FOREACH(p, &master.rows[i].procs, in_row)
			if (!p->lost && !p->stopping) {
				give(p, l);
				proc_flush(p);
			}
	}
}

int
listen_update(const struct master_conf *c, int close_others, struct buf *why)
{
	struct master_listener *l, *next;
	unsigned i;
	int r = 0;

	TAILQ_FOREACH(l, &listeners, link) {
		l->wanted = l->local;
		l->fresh = 0;
	}
	for (i = 0; r == 0 && i < SERVICE_COUNT; i++)
		if (c->listen[i] != NULL)
			r = want_list((enum service)i, c->listen[i], why);
	for (l = TAILQ_FIRST(&listeners); l != NULL; l = next) {
		next = TAILQ_NEXT(l, link);
		if (r == -1 ? l->fresh : close_others && !l->wanted)
			drop(l);
		else if (l->fresh)
			give_fresh(l);
	}
	return r;
}

static int
open_unix(const char *name, unsigned mode, struct buf *why)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const char *path = setup_path(name);
	int fd;

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	/* Whoever holds the lock owns the names: the old one is dead. */
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd != -1 && bind(fd, (const struct sockaddr *)&un,
	    sizeof(un)) == 0 && chmod(path, (mode_t)mode) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	buf_set(why, "%s: %s", path, strerror(errno));
	fd_close(&fd);
	return -1;
}

int
listen_sockets(int *control_r, struct buf *why)
{
	char name[ADDR_TEXT_MAX];
	enum service s;
	unsigned i;
	int fd;

	for (i = 0; i < PROGRAM_COUNT; i++) {
		if (programs[i].socket == NULL)
			continue;
		snprintf(name, sizeof(name), "run/%s", programs[i].socket);
		if ((fd = open_unix(name, programs[i].mode, why)) == -1)
			return -1;
		s = programs[i].duty != SERVICE_NONE ? programs[i].duty :
		    SERVICE_CONTROL;
		add(s, 1, name, fd)->row = (enum program_id)i;
	}
	if ((fd = open_unix("run/master.ctl", 0600, why)) == -1)
		return -1;
	add(SERVICE_CONTROL, 1, "run/master.ctl", fd);
	if ((*control_r = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1)
		buf_set(why, "run/master.ctl: %s", strerror(errno));
	return *control_r == -1 ? -1 : 0;
}

void
listen_give(struct proc *p)
{
	struct master_listener *l;

	TAILQ_FOREACH(l, &listeners, link)
		if (!p->lost && belongs(l, p->row))
			give(p, l);
}

int
listen_any(enum program_id row)
{
	struct master_listener *l;

	TAILQ_FOREACH(l, &listeners, link)
		if (belongs(l, row))
			return 1;
	return 0;
}

int
listen_no_ipv6(void)
{
	return no_ipv6;
}

void
listen_close_all(void)
{
	while (!TAILQ_EMPTY(&listeners))
		drop(TAILQ_FIRST(&listeners));
}
