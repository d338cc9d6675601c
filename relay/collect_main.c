/*
 * collect: the manager of what is collected, in the loop shape. Its table, its
 * hooks, one call into the skeleton.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/server/server.h"
#include "relay/collect.h"

#define K(member) offsetof(struct collect_conf, member)
static const struct settings_key keys[] = {
	SETTINGS_KEY_STATE(struct collect_conf, state_dir),
	SETTINGS_KEY_VERBOSE(struct collect_conf, verbose),
	SETTINGS_KEY_MESSAGE_SIZE(struct collect_conf, message_size),
	SETTINGS_KEY_COLLECT_WORKERS(struct collect_conf, workers),
	{ "collect_run_time", SETTINGS_TIME, K(seconds), "10m", 10, 86400,
	  NULL, N_("longest time that mail of one account is fetched before "
	  "others have their turn") },
	{ "collect_alarm", SETTINGS_TIME, K(alarm), "4h", 10, 30 * 86400,
	  NULL, N_("an account that is not collected from for so long counts "
	  "as trouble in status") },
	SETTINGS_END
};

static int
open_journal(struct buf *why)
{
	const char *path = server_path("spool/collect");
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), newer;

	if (dir == -1) {
		buf_set(why, "%s: %s", path, strerror(errno));
		return -1;
	}
	collect.journal = journal_open(dir, &newer, why);
	if (collect.journal == NULL && newer)
		log_usage("%s", buf_str(why));
	if (collect.journal != NULL && journal_senseless(collect.journal) > 0)
		log_warn("spool/collect/journal: %zu lines make no sense",
		    journal_senseless(collect.journal));
	return collect.journal != NULL ? 0 : -1;
}

static int
open_tables(struct buf *why)
{
	collect.tables = tables_open(server_path("jail/tables.cdb"), why);
	if (collect.tables == NULL)
		return -1;
	collect.map = map_cdb_open_format(server_path("jail/collect.cdb"), 1,
	    0, COLLECT_FORMAT, why);
	return collect.map != NULL ? 0 : -1;
}

static int
after_jail(void)
{
	struct buf why = BUF_INIT(1000);
	int r = open_journal(&why) == 0 ? open_tables(&why) : -1;

	if (r == -1)
		log_warn("%s", buf_str(&why));
	buf_clear(&why);
	return r;
}

static void
begin(struct ev_loop *loop)
{
	if (collect.loop != NULL)
		return;
	collect.loop = loop;
	accounts_refresh();
	turn_start(loop);
}

static void
wired(struct ev_loop *loop, const struct wire *w)
{
	int fd = w->fd;

	begin(loop);
	if (w->peer == PEER_QUEUE)
		queue_wired(fd);
	else if (w->peer == PEER_FETCH)
		run_wired(w->instance, fd);
	else
		fd_close(&fd);
}

static void
peer_gone(struct ev_loop *loop, enum peer p, uint32_t instance)
{
	begin(loop);
	if (p == PEER_FETCH)
		run_gone(instance);
}

static void
listening(struct ev_loop *loop, enum service s, int fd)
{
	begin(loop);
	if (s == SERVICE_CONTROL)
		ctl_listen(fd);
	else
		fd_close(&fd);
}

static int
reload(void)
{
	tables_refresh(collect.tables);
	accounts_refresh();
	return 0;
}

static void
stop(struct ev_loop *loop)
{
	begin(loop);
	if (collect.stopping)
		return;
	ctl_close();
	turn_stop();
}

int
main(int argc, char **argv)
{
	static const struct server s = {
		.kind = PEER_COLLECT,
		.keys = keys,
		.conf = &collect.conf,
		.state_dir =
		    (const char **)(uintptr_t)&collect.conf.state_dir,
		.verbose = &collect.conf.verbose,
		.after_jail = after_jail,
		.reload = reload,
		.wired = wired,
		.peer_gone = peer_gone,
		.listening = listening,
		.go = begin,
		.stop = stop,
	};

	return server_loop_main(argc, argv, &s);
}
