#include "config.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/words.h"
#include "lib/mail/expiry.h"
#include "lib/mail/limits.h"
#include "lib/server/server.h"
#include "store/ctl_control.h"
#include "store/ctl_walk.h"
#include "store/door_serve.h"
#include "store/postmaster.h"
#include "store/shard.h"
#include "store/shard_threads.h"
#include "store/start.h"
#include "store/warn_text.h"

static const struct settings_key keys[] = {
	SETTINGS_KEY_STATE(struct store_conf, state_dir),
	SETTINGS_KEY_VERBOSE(struct store_conf, verbose),
	{ "expunged_keep", SETTINGS_TIME,
	    offsetof(struct store_conf, expunged_keep), "7d", 0, 3650 * 86400,
	    NULL, N_("how long expunged messages are kept for undelete") },
	{ "expunged_size", SETTINGS_SIZE,
	    offsetof(struct store_conf, expunged_size), "1G", 1 << 20,
	    (uint64_t)1 << 50, NULL,
	    N_("how much of expunged messages is kept for each user") },
	{ "pop3_keep", SETTINGS_TIME,
	    offsetof(struct store_conf, pop3_keep), "0d", 0, 3650 * 86400,
	    NULL, N_("how long messages stay after POP3 deleted them") },
	{ "expire", SETTINGS_TEXT, offsetof(struct store_conf, expire), "",
	    0, EXPIRY_TEXT, NULL,
	    N_("mailboxes whose messages go by age (Trash:30d, Junk:30d)") },
	{ "quota", SETTINGS_SIZE, offsetof(struct store_conf, quota), "0", 0,
	    (uint64_t)1 << 50, NULL,
	    N_("quota of accounts for which no table says one; 0: none") },
	{ "quota_messages", SETTINGS_NUMBER,
	    offsetof(struct store_conf, quota_messages), "0", 0, UINT32_MAX,
	    NULL, N_("the same for the number of messages; 0: none") },
	{ "language", SETTINGS_CHOICE, offsetof(struct store_conf, language),
	    "en", 0, 0, LANGUAGE_WORDS,
	    N_("language of what the server itself writes to users") },
	{ "queue_lifetime", SETTINGS_TIME,
	    offsetof(struct store_conf, queue_lifetime), "5d", 0, 3650 * 86400,
	    NULL, N_("how long queue may repeat a delivery") },
	{ "index_cache", SETTINGS_SIZE, offsetof(struct store_conf, cache),
	    "64M", 4 << 20, (uint64_t)64 << 30, NULL,
	    N_("memory for pages of the mailbox index") },
	{ "store_threads", SETTINGS_NUMBER,
	    offsetof(struct store_conf, threads), "0", 0, ENGINE_DBS, NULL,
	    N_("threads that serve mailboxes; 0: half as many as cores") },
	SETTINGS_END
};

static_assert((int)WIRE_USER_MAX == (int)ADDRESS_MAX,
    "master names the user of a door: an address");

static pthread_mutex_t tables_lock = PTHREAD_MUTEX_INITIALIZER;
static struct tables *tables;
static char tables_path[1000];
static ev_timer looking;

static enum lookup
find_user(const char *name, struct tables_user *u_r)
{
	enum lookup r;

	pthread_mutex_lock(&tables_lock);
	tables_refresh(tables);
	r = tables_user(tables, name, u_r);
	pthread_mutex_unlock(&tables_lock);
	return r;
}

static enum lookup
find_former(const char *name, char old_r[ADDRESS_MAX + 1])
{
	struct buf old = BUF_INIT(ADDRESS_MAX);
	enum lookup r;

	pthread_mutex_lock(&tables_lock);
	r = tables_former(tables, name, &old);
	pthread_mutex_unlock(&tables_lock);
	if (r == LOOKUP_FOUND)
		memcpy(old_r, buf_str(&old), old.len + 1);
	buf_clear(&old);
	return r;
}

static enum lookup
find_renamed(const char *name)
{
	struct buf now = BUF_INIT(ADDRESS_MAX);
	enum lookup r;

	pthread_mutex_lock(&tables_lock);
	r = tables_renamed(tables, name, &now);
	pthread_mutex_unlock(&tables_lock);
	buf_clear(&now);
	return r;
}

static enum lookup
find_moving(const char *name)
{
	struct buf now = BUF_INIT(ADDRESS_MAX), old = BUF_INIT(ADDRESS_MAX);
	enum lookup r;

	pthread_mutex_lock(&tables_lock);
	r = tables_renamed(tables, name, &now);
	if (r == LOOKUP_FOUND)
		r = tables_former(tables, buf_str(&now), &old);
	pthread_mutex_unlock(&tables_lock);
	if (r == LOOKUP_FOUND && strcmp(buf_str(&old), name) != 0)
		r = LOOKUP_ABSENT;
	buf_clear(&now);
	buf_clear(&old);
	return r;
}

static enum lookup
find_sum(const char *name, struct tables_sum *s_r)
{
	const char *at = strrchr(name, '@');
	enum lookup r;

	pthread_mutex_lock(&tables_lock);
	tables_refresh(tables);
	r = tables_sum(tables, at != NULL ? at + 1 : name, s_r);
	pthread_mutex_unlock(&tables_lock);
	return r;
}

static enum lookup
find_sums(void)
{
	enum lookup r;

	pthread_mutex_lock(&tables_lock);
	tables_refresh(tables);
	r = tables_sums(tables);
	pthread_mutex_unlock(&tables_lock);
	return r;
}

static enum lookup
find_postmasters(const char *domain, struct buf *names_r)
{
	struct buf address = BUF_INIT(0);
	enum lookup r;

	buf_printf(&address, "postmaster@%s", domain);
	pthread_mutex_lock(&tables_lock);
	r = postmaster_find(tables, buf_str(&address), names_r);
	pthread_mutex_unlock(&tables_lock);
	buf_clear(&address);
	return r;
}

static int
store_check(struct buf *why)
{
	struct buf words = BUF_INIT(500);
	struct expiry e;
	int r;

	r = expiry_parse(&e, store.conf.expire, strlen(store.conf.expire),
	    &words);
	if (r == -1)
		buf_set(why, "expire: %s", buf_str(&words));
	buf_clear(&words);
	return r;
}

static int
store_after_jail(void)
{
	struct buf why = BUF_INIT(600);
	int r = -1;

	snprintf(tables_path, sizeof(tables_path), "%s/jail/tables.cdb",
	    store.conf.state_dir);
	if ((tables = tables_open(tables_path, &why)) != NULL)
		r = start_open(&why);
	if (r == -2)
		log_usage("%s", buf_str(&why));
	if (r == -1) {
		log_warn("%s", buf_str(&why));
		return -1;
	}
	store.user = find_user;
	store.former = find_former;
	store.renamed = find_renamed;
	store.moving = find_moving;
	store.sum = find_sum;
	store.sums = find_sums;
	store.postmasters = find_postmasters;
	store.stopped = server_exit;
	return 0;
}

/*
 * New tables may hold other quotas: who is full now, and who no longer is, has
 * to be known before the next message comes.
 */
static void
look_at_tables(struct ev_loop *loop, ev_timer *w, int revents)
{
	static struct stat known;
	struct stat st;

	if (stat(tables_path, &st) == -1 || (st.st_ino == known.st_ino &&
	    st.st_mtim.tv_sec == known.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == known.st_mtim.tv_nsec))
		return;
	if (known.st_ino != 0)
		ctl_reload();
	known = st;
}

/* Peers may be announced before the word to go. */
static void
store_begin(struct ev_loop *loop)
{
	if (store.shards != NULL)
		return;
	store_threads(loop);
	sweep_start(loop);
	ev_timer_init(&looking, look_at_tables, 0, 1);
	ev_timer_start(loop, &looking);
}

static void
store_wired(struct ev_loop *loop, const struct wire *w)
{
	if (w->peer != PEER_DELIVER && w->peer != PEER_IMAPD &&
	    w->peer != PEER_POP3D && w->peer != PEER_FOLLOW) {
		log_warn("a wire to %s is not for us", peer_name(w->peer));
		close(w->fd);
		return;
	}
	store_begin(loop);
	client_new(w->peer, w->instance, w->user, w->fd);
}

static void
store_listening(struct ev_loop *loop, enum service service, int fd)
{
	store_begin(loop);
	if (service == SERVICE_CONTROL)
		ctl_listen(loop, fd);
	else
		close(fd);
}

static int
store_reload(void)
{
	if (store.shards != NULL)
		ctl_reload();
	return 0;
}

static void
store_halt(struct ev_loop *loop)
{
	store_begin(loop);
	store_stop();
}

int
main(int argc, char **argv)
{
	const struct server s = {
		.kind = PEER_STORE,
		.keys = keys,
		.conf = &store.conf,
		.state_dir = &store.conf.state_dir,
		.verbose = &store.conf.verbose,
		.check = store_check,
		.after_jail = store_after_jail,
		.reload = store_reload,
		.wired = store_wired,
		.listening = store_listening,
		.go = store_begin,
		.stop = store_halt,
	};

	return server_loop_main(argc, argv, &s);
}
