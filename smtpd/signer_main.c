/*
 * signer: the loop shape. Its table of keys, its hooks, one call into the
 * skeleton.
 */
#include "config.h"

#include <stdio.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/mail/dkim_key.h"
#include "lib/server/server.h"
#include "smtpd/signer.h"
#include "smtpd/smtpd.h"
#include "smtpd/smtpd_local.h"

struct signer_conf {
	const char *state_dir;
	char	*hostname, *local_trusted;
	int	 verbose;
};

static struct signer_conf conf;
static struct signer *signer;
static char submit[SETTINGS_PATH_MAX];

static const struct settings_key keys[] = {
	SETTINGS_KEY_HOSTNAME(struct signer_conf, hostname),
	SETTINGS_KEY_STATE(struct signer_conf, state_dir),
	SETTINGS_KEY_VERBOSE(struct signer_conf, verbose),
	SETTINGS_KEY_LOCAL_TRUSTED(struct signer_conf, local_trusted),
	SETTINGS_END
};

/* What OpenSSL reads for itself, it reads here. */
static int
warm_up(void)
{
	unsigned char hash[DKIM_HASH] = { 0 }, out[DKIM_SIGNATURE_MAX];
	struct dkim_key *k = dkim_key_new(DKIM_ED25519, 0);
	size_t len;
	int r = k != NULL ? dkim_key_sign(k, hash, out, &len) : -1;

	if (r == -1)
		log_warn("OpenSSL does not sign");
	dkim_key_free(&k);
	return r;
}

static int
before_jail(void)
{
	snprintf(submit, sizeof(submit), "%s", server_path("run/submit"));
	smtpd.hostname = settings_hostname(conf.hostname);
	return warm_up() == 0 ?
	    smtpd_local_init("/etc/passwd", conf.local_trusted) : -1;
}

/* The next one, which master starts at once, knows the users there are. */
static void
stale(void)
{
	log_info("the password file has changed");
	server_exit();
}

static struct signer *
the_signer(struct ev_loop *loop)
{
	struct signer_parts p = { .loop = loop, .hostname = smtpd.hostname,
		.submit = submit, .stale = stale };
	struct buf why = BUF_INIT(1000);

	if (signer != NULL)
		return signer;
	p.tables = tables_open(server_path("jail/tables.cdb"), &why);
	if (p.tables != NULL)
		p.keys = map_cdb_open_format(server_path("jail/dkim.cdb"), 1,
		    0, DKIM_FORMAT, &why);
	if (p.keys == NULL)
		log_fatal("%s", buf_str(&why));
	signer = signer_new(&p);
	buf_clear(&why);
	return signer;
}

static void
wired(struct ev_loop *loop, const struct wire *w)
{
	int fd = w->fd;

	if (w->peer == PEER_SMTPD || w->peer == PEER_QUEUE)
		signer_peer(the_signer(loop), w);
	else
		fd_close(&fd);
}

static void
peer_gone(struct ev_loop *loop, enum peer p, uint32_t instance)
{
	signer_peer_gone(the_signer(loop), p, instance);
}

static int
reload(void)
{
	smtpd.hostname = settings_hostname(conf.hostname);
	if (signer != NULL)
		signer_host(signer, smtpd.hostname);
	smtpd_local_trust(conf.local_trusted);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct server s = {
		.kind = PEER_SIGNER,
		.keys = keys,
		.conf = &conf,
		.state_dir = &conf.state_dir,
		.verbose = &conf.verbose,
		.before_jail = before_jail,
		.reload = reload,
		.wired = wired,
		.peer_gone = peer_gone,
	};

	return server_loop_main(argc, argv, &s);
}
