/*
 * The course of a job: the connection, the login, what there is, then one
 * mailbox after the other.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/net/tls.h"
#include "relay/migrate.h"

/* What the command said. */
struct job {
	char	*host, *login, *password;
	enum imap_security security;
	int	 socket, file, ca;
};

static void
origin(struct migrate *g, const struct job *j)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	struct buf t = BUF_INIT(0);
	unsigned n = 0;

	buf_put_lv(&t, j->host, strlen(j->host));
	buf_put_lv(&t, j->login, strlen(j->login));
	if (EVP_Digest(t.data, t.len, sum, &n, EVP_sha256(), NULL) != 1)
		abort();
	memcpy(g->origin, sum, sizeof(g->origin));
	buf_clear(&t);
}

static void
job_clear(struct job *j)
{
	free(j->host);
	free(j->login);
	if (j->password != NULL)
		mem_wipe(j->password, strlen(j->password));
	free(j->password);
	fd_close(&j->socket);
	fd_close(&j->file);
	fd_close(&j->ca);
}

static void
job_take(struct job *j, struct migrate *g, struct msg *m)
{
	uint32_t security = msg_get_u32(m, MGF_SECURITY);

	j->host = msg_get_dup(m, MGF_HOST);
	j->login = msg_get_dup(m, MGF_LOGIN);
	j->password = msg_get_dup(m, MGF_PASSWORD);
	j->security = security <= IMAP_PLAIN ? (enum imap_security)security :
	    IMAP_TLS;
	j->socket = msg_get_fd(m, 0);
	j->file = msg_get_fd(m, 1);
	j->ca = msg_get_fd(m, 2);
	g->flags = msg_get_u32(m, MGF_FLAGS);
}

/* The authorities that the operator named, or no look at the certificate. */
static int
trust(struct migrate *g, const struct job *j, SSL_CTX *ctx)
{
	if (g->flags & MG_INSECURE)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	return j->ca == -1 ? 0 : tls_client_authorities(ctx, j->ca,
	    &g->words);
}

/* Into the session there. MG_DONE, or why not. */
static enum mg_status
enter(struct migrate *g, const struct job *j, SSL_CTX *ctx)
{
	const struct imap_account who = { j->login, j->password,
		g->flags & MG_MASTER ? SASL_MASTER : SASL_PASSWORD };
	enum imap_result r;

	if (trust(g, j, ctx) == -1)
		return MG_REFUSED;
	r = imap_greet(&g->imap, j->security, ctx, j->host);
	if (r == IMAP_OK)
		r = imap_login(&g->imap, &who, j->host);
	if (r == IMAP_OK)
		r = imap_list(&g->imap, &g->list);
	(void)migrate_there(g, r);
	return r == IMAP_OK ? MG_DONE : r == IMAP_NO ? MG_REFUSED : MG_LATER;
}

static enum mg_status
mailboxes(struct migrate *g)
{
	struct door_mailbox *here;
	enum step r = STEP_DONE;
	char **names;
	size_t i, n;

	if (door_list(&g->door, &here, &n) == -1) {
		(void)migrate_here(g);
		return MG_LATER;
	}
	names = migrate_map(&g->list, here, n);
	door_list_free(&here, n);
	for (i = 0; i < g->list.n; i++) {
		if (names[i] != NULL && r != STEP_END)
			r = migrate_box(g, &g->list.v[i], names[i]);
		free(names[i]);
	}
	free(names);
	if (r == STEP_END)
		return MG_LATER;
	buf_reset(&g->words);
	if (g->list.left_out > 0)
		buf_set(&g->words, "%u mailboxes have names that cannot be "
		    "had here", g->list.left_out);
	return g->part || g->list.left_out > 0 ? MG_PART : MG_DONE;
}

void
migrate_run(struct migrate *g, struct msg *job, SSL_CTX *ctx,
    int (*stop)(void), int wake)
{
	struct job j = { .socket = -1, .file = -1, .ca = -1 };
	enum mg_status status = MG_LATER;

	job_take(&j, g, job);
	origin(g, &j);
	imap_init(&g->imap, j.socket, j.host);
	j.socket = -1;
	g->imap.stop = stop;
	stream_wake(&g->imap.stream, wake);
	if (state_open(&g->state, j.file, (g->flags & MG_DRY) != 0) == -1)
		buf_set(&g->words, "what was brought cannot be read");
	else if ((status = enter(g, &j, ctx)) == MG_DONE)
		status = mailboxes(g);
	tell_end(g, status, buf_str(&g->words));
	imap_close(&g->imap);
	imap_list_clear(&g->list);
	state_close(&g->state);
	job_clear(&j);
}
