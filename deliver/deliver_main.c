#include <stddef.h>
#include <string.h>

#include "deliver/deliver_filter.h"
#include "deliver/deliver_job.h"
#include "deliver/deliver_main.h"
#include "lib/base/log.h"
#include "lib/mail/door_proto.h"
#include "lib/mail/proto.h"

struct deliver_conf {
	char	*hostname, *state_dir;
	int	 verbose;
};

static struct deliver_conf conf;

static const struct settings_key keys[] = {
	SETTINGS_KEY_HOSTNAME(struct deliver_conf, hostname),
	SETTINGS_KEY_STATE(struct deliver_conf, state_dir),
	SETTINGS_KEY_VERBOSE(struct deliver_conf, verbose),
	SETTINGS_END
};

/*
 * The channel ended or broke. bad: the peer is not to be trusted, nor what we
 * have made of its words; a new process begins afresh.
 */
static void
lost(enum peer p, int bad)
{
	server_peer_lost(p);
	if (p == PEER_QUEUE)
		job_queue_lost();
	else
		job_store_lost();
	if (bad)
		server_retire();
}

static void
from_queue(struct chan *c, int have_store)
{
	struct buf why = BUF_INIT(300);
	struct msg m;
	int r;

	while ((r = msg_next(&m, &proto_job, PEER_QUEUE, c, &why)) == 1) {
		if (m.type != J_DELIVER || job_take(&m, have_store) == -1)
			r = -1;
		msg_done(&m);
		if (r == -1)
			break;
	}
	if (r == -1) {
		log_warn("queue: malformed job %s", buf_str(&why));
		lost(PEER_QUEUE, 1);
	}
	buf_clear(&why);
}

static void
from_store(struct chan *c)
{
	struct buf why = BUF_INIT(300);
	struct msg m;
	int r;

	while ((r = msg_next(&m, &proto_door, PEER_STORE, c, &why)) == 1) {
		r = job_answer(&m);
		msg_done(&m);
		if (r == -1)
			break;
	}
	if (r == -1) {
		log_warn("store: malformed answer %s", buf_str(&why));
		lost(PEER_STORE, 1);
	}
	buf_clear(&why);
}

static void
input(enum peer p, struct chan *c)
{
	int fd, have_store;

	if (p != PEER_QUEUE && p != PEER_STORE)
		return;
	if (c == NULL) {
		if (p == PEER_QUEUE)
			job_queue_lost();
		else
			job_store_lost();
		return;
	}
	/* Asking for a lost store hears master, who may bring a new queue. */
	fd = c->fd;
	have_store = server_peer(PEER_STORE, 0) != NULL;
	if (c->fd != fd)
		return;
	if (chan_read(c) != 1)
		lost(p, 0);
	else if (p == PEER_QUEUE)
		from_queue(c, have_store);
	else
		from_store(c);
	job_pump();
}

static int
before_jail(void)
{
	deliver_hostname = settings_hostname(conf.hostname);
	return 0;
}

static int
after_jail(void)
{
	filter_open(server_path("jail/before.sieve"));
	return 0;
}

const struct server deliver_server = {
	.kind = PEER_DELIVER,
	.keys = keys,
	.conf = &conf,
	.state_dir = (const char **)(uintptr_t)&conf.state_dir,
	.verbose = &conf.verbose,
	.before_jail = before_jail,
	.after_jail = after_jail,
	.input = input,
};
