/*
 * What both shapes share while they run: who we are, and master's messages.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/server/server_impl.h"

enum { WHY_MAX = 2000 };

struct server_state server_state = {
	.uid = -1, .gid = -1, .conf_fd = -1, .files = { -1, -1 }
};

int
server_jailed(void)
{
	return server_state.dropped;
}

enum service
server_service(void)
{
	return server_state.service;
}

const char *
server_conf_dir(void)
{
	return server_state.conf_dir;
}

int
server_file(enum server_file which)
{
	return server_state.files[which];
}

const char *
server_path(const char *name)
{
	static char path[2 * SETTINGS_PATH_MAX];
	static const char jail[] = "jail/";
	const char *dir = *server_state.s->state_dir;

	if (server_state.chrooted &&
	    strncmp(name, jail, sizeof(jail) - 1) == 0) {
		name += sizeof(jail) - 1;
		dir = "";
	}
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    (int)sizeof(path))
		log_fatal("%.100s/%.100s: the path is too long", dir, name);
	return path;
}

void
server_read(void)
{
	int r = chan_read(&server_state.master);

	if (r == 1 || (r == -1 && (errno == EAGAIN || errno == EINTR)))
		return;
	/* Master is dead. Mail is safe at every moment, by the order of
	   writes: the next master begins anew. */
	_exit(0);
}

int
server_next(struct msg *m)
{
	struct buf why = BUF_INIT(WHY_MAX);
	int r = msg_next(m, &proto_wire, PEER_MASTER, &server_state.master,
	    &why);

	if (r == -1)
		log_fatal("master: %s", buf_str(&why));
	return r;
}

/* Too much unsaid means a master that does not listen: it will end us. */
static void
said(int r)
{
	if (r == -1)
		log_fatal("message to master: %s", strerror(errno));
}

void
server_say_ready(void)
{
	msg_begin(&server_state.master, &proto_wire, WIRE_READY, 0);
	said(msg_end(&server_state.master));
}

void
server_say_state(enum wire_state st, uint32_t sessions)
{
	struct chan *c = &server_state.master;

	msg_begin(c, &proto_wire, WIRE_STATE, 0);
	msg_u32(c, WF_STATE, st);
	msg_u32(c, WF_SESSIONS, sessions);
	msg_u32(c, WF_SEEN, server_state.seen);
	said(msg_end(c));
}

int
server_reload(struct msg *m)
{
	const struct server *s = server_state.s;
	struct buf why = BUF_INIT(WHY_MAX);
	int i, r = 0, fd = msg_get_fd(m, 0);

	if (fd != -1)
		r = settings_load_fd(fd, "rohrpost.conf", s->keys, s->conf,
		    &why);
	fd_close(&fd);
	if (r == -1)
		log_warn("%s: the old configuration stays", buf_str(&why));
	buf_clear(&why);
	if (r == -1)
		return -1;
	log_verbose(*s->verbose);
	for (i = 0; i < SERVER_FILES; i++)
		server_state.files[i] = msg_get_fd(m, (unsigned)i + 1);
	if (s->reload != NULL)
		r = s->reload();
	for (i = 0; i < SERVER_FILES; i++)
		fd_close(&server_state.files[i]);
	return r;
}

static void
get_text(struct msg *m, uint8_t tag, char *dst, size_t size)
{
	char *s = msg_get_dup(m, tag);

	str_copy(dst, size, s);
	free(s);
}

void
server_get_wire(struct msg *m, struct wire *w)
{
	memset(w, 0, sizeof(*w));
	w->peer = (enum peer)msg_get_u32(m, WF_PEER);
	w->instance = msg_get_u32(m, WF_INSTANCE);
	get_text(m, WF_USER, w->user, sizeof(w->user));
	w->fd = msg_get_fd(m, 0);
	if (w->peer >= PEER_COUNT)
		log_fatal("master: peer %u is unknown", (unsigned)w->peer);
}

void
server_get_session(struct msg *m, struct session *s)
{
	memset(s, 0, sizeof(*s));
	s->uid = -1;
	s->service = (enum service)msg_get_u32(m, WF_SERVICE);
	get_text(m, WF_USER, s->user, sizeof(s->user));
	get_text(m, WF_REMOTE, s->remote, sizeof(s->remote));
	s->fd = msg_get_fd(m, 0);
	s->id = m->id;
	server_state.seen++;
}
