#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/answer.h"
#include "store/account.h"
#include "store/body.h"
#include "store/ctl_check.h"
#include "store/ctl_control.h"
#include "store/ctl_walk.h"

enum {
	CONTROLS_MAX = 16,
	SEND_MS = 20000,	/* for an operator who does not read */
	BATCH = 32 * 1024,	/* octets of rows in one write */
};

struct control {
	struct chore chore;
	struct control *next;		/* given back by the helper */
	struct chan chan;
	ev_io	 in;
	struct answer answer;
	unsigned type;
	char	*user;
	int	 lost;
	uint64_t users, findings;
	struct buf why;
	struct buf first;		/* account that is not listed */
};

static struct ev_loop *loop;
static ev_io listener;
static ev_async back;
static struct control *returned;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned n_controls;

static void
control_free(struct control *c)
{
	ev_io_stop(loop, &c->in);
	chan_clear(&c->chan);
	answer_clear(&c->answer);
	buf_clear(&c->why);
	buf_clear(&c->first);
	free(c->user);
	free(c);
	n_controls--;
}

/* Rows. */

static void
send_now(struct control *c)
{
	if (!c->lost && chan_send(&c->chan, SEND_MS) == -1)
		c->lost = 1;
}

static void
row(struct control *c, const char *names)
{
	if (answer_row(&c->answer, names, -1) == -1)
		c->lost = 1;
	if (c->chan.out.len > BATCH)
		send_now(c);
}

static void
finish(struct control *c, enum c_status status, const char *words)
{
	if (answer_end(&c->answer, status, words) == -1)
		c->lost = 1;
	send_now(c);
}

/* The requests, in the helper. */

static int
list_user(void *arg, const char *name, const char *path)
{
	struct control *c = arg;
	struct answer *a = &c->answer;
	struct usage u = { 0 };

	if (usage_user(name, &u, &c->why) == -1) {
		log_warn("list: %s: %s", name, buf_str(&c->why));
		if (c->findings++ == 0)
			buf_set(&c->first, "%s: %s", name, buf_str(&c->why));
		return c->lost;
	}
	answer_text(a, name);
	answer_number(a, u.mailboxes);
	answer_number(a, u.messages);
	answer_number(a, u.size);
	answer_number(a, u.quota_size);
	answer_number(a, u.quota_count);
	answer_bool(a, u.full);
	row(c, "user mailboxes messages size quota_size quota_count full");
	return c->lost;
}

struct check_of {
	struct control *c;
	const char *name;
};

static void
check_found(void *arg, const char *mailbox, const char *words)
{
	struct check_of *k = arg;
	struct answer *a = &k->c->answer;

	k->c->findings++;
	answer_text(a, k->name);
	answer_text(a, mailbox);
	answer_text(a, words);
	row(k->c, "user mailbox finding");
}

static int
check_one(void *arg, const char *name, const char *path)
{
	struct control *c = arg;
	struct check_of k = { c, name };

	c->users++;
	if (check_user(name, path, check_found, &k, &c->why) == -1)
		check_found(&k, "", buf_str(&c->why));
	return c->lost;
}

/* Without a path the operator named the user. */
static int
rebuild_one(void *arg, const char *name, const char *path)
{
	struct control *c = arg;
	struct answer *a = &c->answer;

	c->users++;
	if (rebuild_user(name, path == NULL, &c->why) == -1) {
		c->findings++;
		answer_text(a, name);
		answer_text(a, buf_str(&c->why));
		row(c, "user failure");
	}
	if (answer_progress(a, name, c->users) == -1)
		c->lost = 1;
	send_now(c);
	return c->lost;
}

/* A list that leaves somebody out must not look like a whole one. */
static void
run_list(struct control *c)
{
	struct buf words = BUF_INIT(1000);

	if (walk_users(c->user, list_user, c, &c->why) == -1) {
		finish(c, C_REFUSED, buf_str(&c->why));
		return;
	}
	if (c->findings > 0)
		buf_printf(&words, "%" PRIu64 " accounts are not listed; the "
		    "first: %s", c->findings, buf_str(&c->first));
	finish(c, c->findings > 0 ? C_REFUSED : C_OK, buf_str(&words));
	buf_clear(&words);
}

static void
walked(struct control *c, const char *what)
{
	struct buf words = BUF_INIT(400);

	buf_printf(&words, "%" PRIu64 " users, %" PRIu64 " %s", c->users,
	    c->findings, what);
	finish(c, C_OK, buf_str(&words));
	buf_clear(&words);
}

static void
run_walk(struct control *c, int (*each)(void *, const char *, const char *),
    const char *what)
{
	if (walk_users(c->user, each, c, &c->why) == -1)
		finish(c, C_REFUSED, buf_str(&c->why));
	else
		walked(c, what);
}

/* A user that is named need not have a folder any more. */
static void
run_rebuild(struct control *c)
{
	if (c->user[0] == '\0') {
		run_walk(c, rebuild_one, "failures");
		return;
	}
	rebuild_one(c, c->user, NULL);
	walked(c, "failures");
}

static void
counter(struct control *c, const char *name, uint64_t v)
{
	answer_text(&c->answer, name);
	answer_number(&c->answer, v);
	row(c, "counter value");
}

static void
run_status(struct control *c)
{
	counter(c, "threads", store.n_shards);
	counter(c, "delivered", atomic_load(&store.delivered));
	counter(c, "octets_free", body_space());
	counter(c, "disk_full", (uint64_t)store_no_space());
	finish(c, C_OK, "");
}

static void
control_run(struct chore *chore)
{
	struct control *c = (struct control *)chore;

	switch (c->type) {
	case C_STATUS:
		run_status(c);
		break;
	case C_RELOAD:
		control_reload();
		finish(c, C_OK, "");
		break;
	case C_LIST:
		run_list(c);
		break;
	case C_CHECK:
		run_walk(c, check_one, "findings");
		break;
	case C_REBUILD:
		run_rebuild(c);
		break;
	default:
		finish(c, C_REFUSED, "store does not know that request");
	}
	pthread_mutex_lock(&lock);
	c->next = returned;
	returned = c;
	pthread_mutex_unlock(&lock);
	ev_async_send(loop, &back);
}

/* The loop's part. */

static void
control_next(struct control *c)
{
	struct msg m;
	int r = msg_next(&m, &proto_ctl, PEER_CTL, &c->chan, &c->why);

	if (r == -1) {
		log_warn("control: %s", buf_str(&c->why));
		control_free(c);
	}
	if (r != 1)
		return;
	answer_begin(&c->answer, m.id);
	c->type = m.type;
	free(c->user);
	c->user = msg_get_dup(&m, CF_USER);
	c->users = c->findings = 0;
	msg_done(&m);
	ev_io_stop(loop, &c->in);
	c->chore.run = control_run;
	helper_post(HELPER_BACKGROUND, &c->chore);
}

static void
control_in(struct ev_loop *l, ev_io *w, int revents)
{
	struct control *c = w->data;
	int r = chan_read(&c->chan);

	if (r == 1)
		control_next(c);
	else if (r == 0 || errno != EAGAIN)
		control_free(c);
}

static void
control_back(struct ev_loop *l, ev_async *w, int revents)
{
	struct control *c, *next;

	pthread_mutex_lock(&lock);
	c = returned;
	returned = NULL;
	pthread_mutex_unlock(&lock);
	for (; c != NULL; c = next) {
		next = c->next;
		if (c->lost) {
			control_free(c);
			continue;
		}
		ev_io_start(loop, &c->in);
		control_next(c);
	}
}

static void
control_accept(struct ev_loop *l, ev_io *w, int revents)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct control *c;
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd == -1)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1 ||
	    (cred.uid != 0 && cred.uid != geteuid()) ||
	    n_controls == CONTROLS_MAX) {
		fd_close(&fd);
		return;
	}
	c = mem_zalloc(1, sizeof(*c));
	chan_init(&c->chan, fd);
	answer_init(&c->answer, &c->chan);
	buf_init(&c->why, 500);
	buf_init(&c->first, 900);
	n_controls++;
	ev_io_init(&c->in, control_in, fd, EV_READ);
	c->in.data = c;
	ev_io_start(loop, &c->in);
}

void
control_listen(struct ev_loop *l, int fd)
{
	if (loop != NULL) {
		ev_io_stop(loop, &listener);
		close(listener.fd);
	} else {
		loop = l;
		ev_async_init(&back, control_back);
		ev_async_start(loop, &back);
	}
	fd_nonblock(fd, 1);
	ev_io_init(&listener, control_accept, fd, EV_READ);
	ev_io_start(loop, &listener);
}

static void
reload_run(struct item *i)
{
	shard_each_account(i->shard, quota_forget);
	free(i);
}

void
control_reload(void)
{
	struct item *i;
	unsigned n;

	for (n = 0; n < store.n_shards; n++) {
		i = mem_zalloc(1, sizeof(*i));
		i->shard = shard_at(n);
		i->run = reload_run;
		shard_post(i);
	}
	quota_full_again();
}
