/*
 * Some accounts at a time, a program for each.
 */
#include "config.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_door.h"
#include "ctl/ctl_inbox.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_reply.h"
#include "ctl/ctl_util.h"
#include "ctl/migrate.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/words.h"

enum { SAY_MS = 10 * 1000, WAIT_MS = 1000, LOG_MAX = 4096 };

struct slot {
	struct migrate_user *u;	/* NULL: free */
	struct ctl_worker w;
	int64_t	 began;
	uint64_t before;	/* u->messages then */
	struct buf log;
};

static int
later(struct migrate_user *u, const struct buf *why)
{
	buf_set(&u->words, "%s", buf_str(why));
	return -1;
}

/* The job, and what goes with it. 0, or -1. */
static int
give(const struct migrate_plan *p, struct slot *s, int socket, int file)
{
	struct chan *c = &s->w.session;
	int ca = p->ca == -1 ? -1 : fcntl(p->ca, F_DUPFD_CLOEXEC, 0);

	msg_begin(c, &proto_migrate, MG_JOB, 1);
	msg_text(c, MGF_HOST, p->host);
	msg_u32(c, MGF_SECURITY, p->security);
	msg_text(c, MGF_LOGIN, s->u->login);
	msg_text(c, MGF_PASSWORD, s->u->password);
	msg_u32(c, MGF_FLAGS, p->flags);
	msg_fd(c, socket);
	msg_fd(c, file);
	if (ca != -1)
		msg_fd(c, ca);
	return msg_end(c) == -1 ? -1 : chan_send(c, SAY_MS);
}

/* -1: it is not begun, u->words says why. */
static int
begin(struct migrate_plan *p, struct slot *s, struct migrate_user *u)
{
	struct ctl_worker_start start = { .row = PROGRAM_MIGRATE,
		.program_dir = LIBEXECDIR, .conf_dir = p->c->dir,
		.user = u->account, .door = -1 };
	struct buf why = BUF_INIT(500);
	int socket = -1, file = -1, r = -1;

	s->u = u;
	s->began = clock_mono_ms();
	s->before = u->messages;
	if ((file = migrate_file(p, u, &why)) == -1 ||
	    (socket = migrate_connect(p->host, p->port, &why)) == -1)
		goto out;
	r = door_migrate(p->c, u->account, (p->flags & MG_DELETE) != 0,
	    &start.door);
	if (r != CTL_DONE) {
		u->over = r == CTL_REFUSED;
		u->status = r == CTL_REFUSED ? MG_REFUSED : MG_LATER;
		buf_set(&why, _("there is no way into the account"));
		r = -1;
		goto out;
	}
	if (!(p->flags & MG_DRY))
		u->inbox = inbox_id_of(p->c, u->account);
	r = worker_start(&s->w, &start);
	if (r == 0) {
		r = give(p, s, socket, file);
		socket = file = -1;
		if (r == -1)
			(void)worker_end(&s->w);
	}
	if (r == -1)
		buf_set(&why, "migrate: %s", strerror(errno));
out:
	fd_close(&socket);
	fd_close(&file);
	if (r == -1) {
		s->u = NULL;
		(void)later(u, &why);
	}
	buf_clear(&why);
	return r;
}

/* Nothing is heard of the server's words but what is cleaned here. */
static void
reason(struct migrate_user *u, struct msg *m, int message)
{
	char *name = msg_get_dup(m, MGF_NAME);
	char *words = msg_get_dup(m, MGF_WORDS);
	struct buf b = BUF_INIT(MG_NAME_MAX + 2 * MG_WORDS_MAX);
	struct buf w = BUF_INIT(2 * MG_WORDS_MAX);

	reply_words(words, &w);
	if (message)
		buf_set(&b, _("%s, message %u: %s"), name,
		    msg_get_u32(m, MGF_UID), buf_str(&w));
	else
		buf_set(&b, _("%s is not whole: %s"), name,
		    buf_str(&w));
	migrate_say(u, buf_str(&b));
	(void)buf_put_lv(&u->reasons, b.data, b.len);
	buf_clear(&b);
	buf_clear(&w);
	free(name);
	free(words);
}

static void
take_mailbox(struct migrate_user *u, struct msg *m)
{
	size_t len;

	u->messages += msg_get_u64(m, MGF_DONE);
	u->octets += msg_get_u64(m, MGF_SIZE);
	u->changed += msg_get_u64(m, MGF_CHANGED);
	u->gone += msg_get_u64(m, MGF_GONE);
	u->left += msg_get_u64(m, MGF_LEFT);
	if (!msg_has(m, MGF_WORDS))
		u->mailboxes++;
	else if (msg_get(m, MGF_WORDS, &len), len > 0)
		reason(u, m, 0);
}

static void
take_progress(const struct migrate_plan *p, const struct migrate_user *u,
    struct msg *m)
{
	char *name = msg_get_dup(m, MGF_NAME);

	migrate_show(p, u->account, name, msg_get_u64(m, MGF_DONE),
	    msg_get_u64(m, MGF_TOTAL));
	free(name);
}

/* It comes first: with the first messages, or the first mailbox, it is what it
   will be. */
static void
inbox_is_there(const struct migrate_plan *p, struct migrate_user *u)
{
	inbox_end_sessions(p->c, u->account, u->inbox);
	u->inbox = 0;
}

/* 1: that was its end. */
static int
take(const struct migrate_plan *p, struct migrate_user *u, struct msg *m)
{
	uint32_t status;
	char *words;

	switch (m->type) {
	case MG_MAILBOX:
		u->entered = 1;
		take_mailbox(u, m);
		inbox_is_there(p, u);
		return 0;
	case MG_SKIPPED:
		reason(u, m, 1);
		return 0;
	case MG_PROGRESS:
		u->entered = 1;
		take_progress(p, u, m);
		if (msg_get_u64(m, MGF_DONE) > 0)
			inbox_is_there(p, u);
		return 0;
	default:
		status = msg_get_u32(m, MGF_STATUS);
		u->status = status <= MG_LATER ? (enum mg_status)status :
		    MG_LATER;
		words = msg_get_dup(m, MGF_WORDS);
		buf_reset(&u->words);
		reply_words(words, &u->words);
		free(words);
		return 1;
	}
}

/* What it logs is for whoever started it. */
static void
take_log(struct slot *s)
{
	char piece[LOG_MAX];
	struct buf plain = BUF_INIT(0);
	const char *p, *lf;
	ssize_t n = read(s->w.log, piece, sizeof(piece));

	if (n <= 0 || buf_append(&s->log, piece, (size_t)n) == -1) {
		if (n == 0)
			fd_close(&s->w.log);
		buf_reset(&s->log);
		return;
	}
	p = buf_str(&s->log);
	for (; (lf = strchr(p, '\n')) != NULL; p = lf + 1)
		if (lf - p > 2 && p[0] == 'W' && s->u != NULL) {
			buf_reset(&plain);
			(void)out_plain(&plain, p + 2, (size_t)(lf - p - 2));
			ctl_fail(0, "migrate: %s", buf_str(&plain));
		}
	buf_clear(&plain);
	buf_consume(&s->log, (size_t)(p - buf_str(&s->log)));
}

static void
slot_end(struct slot *s)
{
	struct migrate_user *u = s->u;

	if (s->w.log != -1)
		take_log(s);
	(void)worker_end(&s->w);
	u->ms += (uint64_t)(clock_mono_ms() - s->began);
	if (u->messages > s->before)
		u->tries = 0;
	s->u = NULL;
	buf_reset(&s->log);
}

/* Is there another try, or is it over? Who was never let in is not to knock
   again and again. */
static void
judge(struct migrate_user *u)
{
	if (u->over)
		return;
	if (u->status != MG_LATER || !u->entered || ++u->tries >= MIGRATE_TRIES)
		u->over = 1;
	else
		u->after = clock_mono_ms() + ((int64_t)1000 << u->tries) / 2;
}

/* What the program said. */
static void
hear(const struct migrate_plan *p, struct slot *s)
{
	struct buf why = BUF_INIT(300);
	struct msg m;
	int ended = 0, r = chan_read(&s->w.session);

	if (r == 1)
		while (!ended && (r = msg_next(&m, &proto_migrate,
		    PEER_MIGRATE, &s->w.session, &why)) == 1) {
			ended = take(p, s->u, &m);
			msg_done(&m);
		}
	else if (r == 0 || (errno != EAGAIN && errno != EINTR))
		r = -1;
	else
		r = 0;
	if (!ended && r == -1) {
		s->u->status = MG_LATER;
		buf_set(&s->u->words, _("the program that brings it ended"));
		ended = 1;
	}
	buf_clear(&why);
	if (ended) {
		inbox_is_there(p, s->u);
		judge(s->u);
		slot_end(s);
	}
}

/* Fills free slots with those whose time has come. How many are under way. */
static unsigned
fill(struct migrate_plan *p, struct slot *slots, int *left_r)
{
	int64_t now = clock_mono_ms();
	struct migrate_user *u;
	unsigned busy = 0, i, k;
	int under_way;

	*left_r = 0;
	for (k = 0; k < p->n; k++) {
		u = &p->user[k];
		for (i = 0, under_way = 0; i < p->jobs; i++)
			under_way |= slots[i].u == u;
		if (u->over || under_way)
			continue;
		*left_r = 1;
		for (i = 0; i < p->jobs && slots[i].u != NULL; i++)
			;
		if (i == p->jobs)
			break;
		if (u->after <= now && begin(p, &slots[i], u) == -1)
			judge(u);
	}
	for (i = 0; i < p->jobs; i++)
		busy += slots[i].u != NULL;
	return busy;
}

void
migrate_all(struct migrate_plan *p)
{
	struct slot slots[MIGRATE_JOBS_MAX];
	struct pollfd fds[2 * MIGRATE_JOBS_MAX];
	unsigned i;
	int left;

	memset(slots, 0, sizeof(slots));
	for (i = 0; i < p->jobs; i++) {
		slots[i].w.log = -1;
		buf_init(&slots[i].log, 2 * LOG_MAX);
	}
	while (fill(p, slots, &left) > 0 || left) {
		for (i = 0; i < p->jobs; i++) {
			fds[2 * i] = (struct pollfd){ .events = POLLIN,
				.fd = slots[i].u != NULL ?
				slots[i].w.session.fd : -1 };
			fds[2 * i + 1] = (struct pollfd){ .events = POLLIN,
				.fd = slots[i].u != NULL ? slots[i].w.log :
				-1 };
		}
		if (poll(fds, 2 * p->jobs, left ? WAIT_MS : -1) <= 0)
			continue;
		for (i = 0; i < p->jobs; i++) {
			if (fds[2 * i + 1].revents != 0)
				take_log(&slots[i]);
			if (fds[2 * i].revents != 0)
				hear(p, &slots[i]);
		}
	}
	for (i = 0; i < p->jobs; i++)
		buf_clear(&slots[i].log);
}
