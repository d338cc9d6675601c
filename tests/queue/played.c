#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/mail/packed.h"
#include "lib/mail/proto.h"
#include "queue/queue_dispatch.h"
#include "queue/queue_message.h"
#include "tests/queue/played.h"

struct played played = { .clock = 1000000 };

static ev_timer *timers[TIMERS];	/* in the order of their start */
static int n_timers;

int64_t	__wrap_clock_mono_ms(void);
void	__wrap_server_retire_peer(enum peer kind, uint32_t instance);
void	__wrap_server_need(enum peer kind, uint32_t n, uint32_t instance);
void	__wrap_commit_dirty(struct message *m);
void	__wrap_life_aside(struct message *m, const char *why);
int	__wrap_body_open(uint64_t id);
void	__wrap_ev_timer_start(struct ev_loop *l, ev_timer *t);
void	__wrap_tables_refresh(struct tables *t);
enum lookup __wrap_tables_renamed(struct tables *t, const char *address,
    struct buf *name_r);

int64_t
__wrap_clock_mono_ms(void)
{
	return played.clock;
}

void
__wrap_server_retire_peer(enum peer kind, uint32_t instance)
{
	played.retired = instance;
}

void
__wrap_server_need(enum peer kind, uint32_t n, uint32_t instance)
{
	played.needed = n;
	played.surplus = instance;
}

void
__wrap_commit_dirty(struct message *m)
{
	played.dirty++;
}

void
__wrap_life_aside(struct message *m, const char *why)
{
	played.aside++;
	job_abandon(m);
	snprintf(played.words, sizeof(played.words), "%s", why);
}

int
__wrap_body_open(uint64_t id)
{
	errno = played.no_body;
	return played.no_body != 0 ? -1 : dup(STDIN_FILENO);
}

void
__wrap_ev_timer_start(struct ev_loop *l, ev_timer *t)
{
	if (n_timers < TIMERS)
		timers[n_timers++] = t;
}

/* There are no tables: no account has another name. */
void
__wrap_tables_refresh(struct tables *t)
{
}

enum lookup
__wrap_tables_renamed(struct tables *t, const char *address,
    struct buf *name_r)
{
	return LOOKUP_ABSENT;
}

static void
on_answered(struct message *m)
{
	played.answered++;
}

void
played_start(void)
{
	queue.loop = ev_default_loop(0);
	job_start(on_answered);
	worker_start();
	dispatch_start();
}

int
played_setup(void **state)
{
	static char none[1];

	queue.conf.relay_host = none;
	queue.conf.active_max = 100;
	queue.conf.per_destination = 20;
	queue.conf.relay_workers = 8;
	/* What one test has come to is too old for the next. */
	played = (struct played){ .clock = played.clock + 10000000 };
	return 0;
}

struct worker *
played_wire(enum peer kind, uint32_t instance, struct chan *c)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, fd), 0);
	worker_wired(kind, instance, fd[0]);
	chan_init(c, fd[1]);
	return TAILQ_FIRST(&workers);
}

static void
hear(void)
{
	ev_run(queue.loop, EVRUN_NOWAIT);
}

void
played_turn(void)
{
	dispatch_turn();
	worker_flush();
	hear();
}

void
played_timer(enum played_timer t)
{
	ev_invoke(queue.loop, timers[t], 0);
	hear();
}

static struct message *
make(uint64_t id, const char *sender, const char *domain, size_t n)
{
	struct message *m = message_new(id);
	size_t i;

	m->entry = mem_zalloc(1, sizeof(*m->entry));
	m->env.sender = sender;
	m->env.client = m->env.login = m->env.message_id = m->env.envid = "";
	m->env.n_rcpt = 1;
	m->env.rcpt = mem_zalloc(1, sizeof(*m->env.rcpt));
	m->env.rcpt->address = "a@far.test";
	m->env.rcpt->orcpt = "";
	m->targets.n = n;
	m->targets.t = mem_zalloc(n, sizeof(*m->targets.t));
	for (i = 0; i < n; i++) {
		m->targets.t[i] = (struct target){ .address = "a@far.test",
			.way = domain != NULL ? domain : "anna@example.test",
			.kind = domain != NULL ? TARGET_REMOTE :
			    TARGET_LOCAL };
		job_add(m, &m->targets.t[i], (uint32_t)i);
	}
	return m;
}

struct message *
played_message(uint64_t id, const char *domain, size_t n)
{
	return make(id, "s@far.test", domain, n);
}

struct message *
played_bounce(uint64_t id, const char *domain)
{
	return make(id, "", domain, 1);
}

void
played_forget(struct message *m)
{
	struct entry *e = m->entry;

	job_abandon(m);
	m->entry = NULL;
	message_free(m);
	free(e);
}

void
played_end(struct chan *c)
{
	chan_clear(c);
	hear();
}

static void
send_built(struct chan *c)
{
	assert_int_equal(msg_end(c), 0);
	assert_int_equal(chan_send(c, 0), 0);
	hear();
}

void
played_say(struct chan *c, unsigned type, uint32_t id, const char *words)
{
	msg_begin(c, &proto_job, type, id);
	msg_text(c, JF_WORDS, words);
	send_built(c);
}

void
played_result(struct chan *c, uint32_t id, uint32_t index, enum result r,
    const char *words)
{
	struct buf packed = BUF_INIT(0);

	packed_put_result(&packed, &(struct packed_result){ index, r, 0, words,
	    strlen(words) });
	msg_begin(c, &proto_job, J_RESULT, id);
	msg_bytes(c, JF_RESULTS, packed.data, packed.len);
	buf_clear(&packed);
	send_built(c);
}

void
played_done(struct chan *c, const struct worker *w)
{
	const struct queue_job *j = TAILQ_FIRST(&w->jobs);

	assert_non_null(j);
	played_result(c, j->id, j->index[0], RESULT_DELIVERED, "2.0.0 ok");
}
