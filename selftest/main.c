/*
 * The name that it is started by says in whose place it is.
 */
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/server/server.h"
#include "selftest/attacker.h"
#include "selftest/report.h"

enum { WAIT = 20 * 1000 };	/* us between two looks at the report */

struct conf {
	char	*state_dir;
	int	 verbose;
};

static struct conf conf;
static const struct settings_key keys[] = {
	SETTINGS_KEY_STATE(struct conf, state_dir),
	SETTINGS_KEY_VERBOSE(struct conf, verbose),
	SETTINGS_END
};

static struct server me;
static unsigned row;
static int tried;
static ev_timer timer;

static int
before_jail(void)
{
	const struct program *p = program_find(me.kind, server_service());

	row = (unsigned)(p - programs);
	if (str_copy(attacker.state_dir, sizeof(attacker.state_dir),
	    conf.state_dir) == -1)
		return -1;
	attacker.key = server_file(SERVER_FILE_KEY) != -1;
	return report_open(row);
}

/* Once; a loop comes here again and again until all are there. */
static int
attack(void)
{
	if (tried || !report_begun())
		return tried;
	tried = 1;
	report_all(row);
	return 1;
}

/* Loop shape. */

static void
on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	if (attack())
		ev_timer_stop(loop, w);
}

static int
log_in(enum service s, uint32_t id)
{
	return server_start(&(struct server_login){ .service = s,
	    .user = WALLS_ACCOUNT, .remote = "192.0.2.1:1", .tls = "" }, id);
}

static void
begin(struct ev_loop *loop)
{
	ev_timer_init(&timer, on_timer, 0, 0.02);
	/* imapd attacks when it has its session. */
	if (me.kind != PEER_IMAPD)
		ev_timer_start(loop, &timer);
	/* Whoever breaks into auth can begin sessions: these are there to be
	   broken into. */
	if (me.kind == PEER_AUTH && (log_in(SERVICE_IMAP, 1) == -1 ||
	    log_in(SERVICE_POP3, 2) == -1))
		log_warn("master does not read");
}

static void
wired(struct ev_loop *loop, const struct wire *w)
{
	/* To logger: not who answers, but whose log it is. */
	attacker.doors |= 1u << (me.kind == PEER_LOGGER ? PEER_LOGGER :
	    w->peer);
	/* w->fd is kept, as the program keeps it. */
}

static void
listening(struct ev_loop *loop, enum service service, int fd)
{
	/* Kept as well. */
}

static void
session(struct ev_loop *loop, const struct session *s)
{
	server_sessions(1);
	ev_timer_start(loop, &timer);
}

static void
started(struct ev_loop *loop, uint32_t id, int fd, int full, const char *words)
{
	if (fd == -1)
		log_warn("no session: %s", words);
	else
		attacker.sessions = 1;
}

/* Work shape. */

static void
find_doors(void)
{
	unsigned i;

	for (i = 1; i < PEER_COUNT; i++)
		if (server_peer((enum peer)i, 0) != NULL)
			attacker.doors |= 1u << i;
}

static void
idle(void)
{
	find_doors();
	(void)attack();
}

static void
serve(const struct session *s)
{
	find_doors();
	while (!attack() && !server_stopping())
		usleep(WAIT);
	close(s->fd);
}

static enum peer
kind_of(const char *path)
{
	const char *name = strrchr(path, '/');
	unsigned i;

	name = name != NULL ? name + 1 : path;
	for (i = 0; i < PROGRAM_COUNT; i++)
		if (programs[i].pool != POOL_RESERVED &&
		    strcmp(peer_name(programs[i].kind), name) == 0)
			return programs[i].kind;
	return PEER_NONE;
}

int
main(int argc, char **argv)
{
	const struct program *p;

	me = (struct server){ .kind = kind_of(argv[0]), .keys = keys,
		.conf = &conf, .state_dir = (const char **)&conf.state_dir,
		.verbose = &conf.verbose, .before_jail = before_jail,
		.wired = wired, .listening = listening, .session = session,
		.started = started, .go = begin, .idle = idle, .serve = serve };
	for (p = programs; p < programs + PROGRAM_COUNT; p++)
		if (p->kind == me.kind)
			return p->loop ? server_loop_main(argc, argv, &me) :
			    server_work_main(argc, argv, &me);
	log_init("attacker", 1);
	log_usage("rohrpost selftest jail starts it, by a program's name");
}
