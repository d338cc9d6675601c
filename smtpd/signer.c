#include <sys/socket.h>
#include <sys/un.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/link/link.h"
#include "lib/mail/address.h"
#include "lib/mail/dkim_key.h"
#include "lib/mail/proto.h"
#include "lib/mail/result.h"
#include "smtpd/signer.h"
#include "smtpd/signer_key.h"
#include "smtpd/smtpd_local.h"

struct asker {
	struct link link;
	struct signer *signer;
	struct asker *next;
	char	 user[WIRE_USER_MAX + 1];	/* whose session; "" */
	int	 warned;
	ev_timer turn;		/* it had its signature of this turn */
};

struct signer {
	struct signer_parts parts;
	struct signer_keys *keys;
	struct asker *askers;
};

struct signer *
signer_new(const struct signer_parts *parts)
{
	struct signer *s = mem_zalloc(1, sizeof(*s));

	s->parts = *parts;
	s->keys = signer_keys_new(parts->keys, SIGNER_KEYS);
	return s;
}

void
signer_host(struct signer *s, const char *hostname)
{
	s->parts.hostname = hostname;
}

static void
asker_free(struct asker *a)
{
	struct asker **at;

	for (at = &a->signer->askers; *at != a; at = &(*at)->next)
		;
	*at = a->next;
	ev_timer_stop(a->signer->parts.loop, &a->turn);
	link_clear(&a->link);
	free(a);
}

void
signer_free(struct signer **sp)
{
	struct signer *s = *sp;

	if (s == NULL)
		return;
	while (s->askers != NULL)
		asker_free(s->askers);
	signer_keys_free(&s->keys);
	tables_free(&s->parts.tables);
	free(s);
	*sp = NULL;
}

/*
 * The uid of a client of run/submit; -1: it is none. A pair of sockets that
 * master made would tell of root: so it must be a connection to that name, and
 * not the listener itself.
 */
static long
client_uid(const struct signer *s, int fd)
{
	struct sockaddr_un name = { .sun_family = AF_UNSPEC };
	socklen_t len = sizeof(name), n = sizeof(int);
	struct ucred cred;
	int listens = 1;

	if (fd == -1 ||
	    getsockname(fd, (struct sockaddr *)&name, &len) == -1 ||
	    name.sun_family != AF_UNIX || len >= sizeof(name) ||
	    strcmp(name.sun_path, s->parts.submit) != 0)
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) == -1 ||
	    listens)
		return -1;
	n = sizeof(cred);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == -1)
		return -1;
	return (long)cred.uid;
}

static int
is_host(const struct signer *s, const struct address *a)
{
	return str_casecmp(a->text + a->at + 1, s->parts.hostname) == 0;
}

/* A local program: root and whom it trusts as anybody, others as this host. */
static enum lookup
local_owns(const struct signer *s, const struct address *a, int fd)
{
	long uid = client_uid(s, fd);

	if (uid == -1)
		return LOOKUP_ABSENT;
	/* Of these the names of users tell nothing. */
	if (uid == 0 || is_host(s, a))
		return LOOKUP_FOUND;
	if (!smtpd_local_current()) {
		s->parts.stale();
		return LOOKUP_ERROR;
	}
	return smtpd_local_trusts(uid) ? LOOKUP_FOUND : LOOKUP_ABSENT;
}

/* May who asks sign for the domain of that address? */
static enum lookup
asker_owns(const struct asker *a, const struct address *who, int fd)
{
	const struct signer *s = a->signer;

	if (a->link.peer == PEER_QUEUE)
		return is_host(s, who) ? LOOKUP_FOUND : LOOKUP_ABSENT;
	if (a->user[0] == '\0')
		return local_owns(s, who, fd);
	tables_refresh(s->parts.tables);
	return tables_owns(s->parts.tables, a->user, who->text);
}

static void
answer_no(struct asker *a, uint32_t id, enum s_reason reason, const char *words)
{
	struct chan *c = link_begin(&a->link, S_NO, id);

	msg_u32(c, SF_REASON, reason);
	msg_words(c, SF_WORDS, words, RESULT_WORDS_MAX);
	link_send(&a->link);
}

static void
refuse(struct asker *a, uint32_t id, const char *address)
{
	if (!a->warned)
		log_warn("%s%s%s may not sign as %s", peer_name(a->link.peer),
		    a->user[0] != '\0' ? " of " : "", a->user, address);
	a->warned = 1;
	answer_no(a, id, S_FOREIGN, "that domain is not yours");
}

/* The key is there or is not; the hash becomes a signature. */
static void
sign(struct asker *a, uint32_t id, const char *domain, const char *selector,
    const void *hash)
{
	char name[DKIM_SELECTOR_MAX + DOMAIN_MAX + sizeof(DKIM_RECORD)];
	unsigned char signature[DKIM_SIGNATURE_MAX];
	const struct dkim_key *key;
	struct chan *c;
	size_t len;

	snprintf(name, sizeof(name), "%s" DKIM_RECORD "%s", selector, domain);
	if (signer_keys_find(a->signer->keys, name, &key) != MAP_FOUND ||
	    dkim_key_sign(key, hash, signature, &len) == -1) {
		log_warn("%s: no such key", name);
		answer_no(a, id, S_LATER, "there is no such key now");
		return;
	}
	c = link_begin(&a->link, S_SIGNED, id);
	msg_bytes(c, SF_SIGNATURE, signature, len);
	link_send(&a->link);
}

static void
question(struct asker *a, struct msg *m, const struct address *who, int fd)
{
	char *selector = msg_get_dup(m, SF_SELECTOR);
	size_t len;

	switch (asker_owns(a, who, fd)) {
	case LOOKUP_FOUND:
		sign(a, m->id, who->text + who->at + 1, selector,
		    msg_get(m, SF_HASH, &len));
		break;
	case LOOKUP_ABSENT:
		refuse(a, m->id, who->text);
		break;
	default:
		answer_no(a, m->id, S_LATER, "the tables cannot be read");
		break;
	}
	free(selector);
}

static int
asker_message(struct link *l, struct msg *m, struct buf *why)
{
	struct asker *a = l->owner;
	struct address who;
	const char *p;
	size_t len;
	int fd = msg_get_fd(m, 0);

	p = msg_get(m, SF_ADDRESS, &len);
	if (p == NULL || address_parse(&who, p, len) != ADDRESS_OK ||
	    who.at == who.len || who.literal ||
	    msg_get(m, SF_HASH, &len) == NULL || len != DKIM_HASH) {
		buf_set(why, "asks for what cannot be signed");
		fd_close(&fd);
		return -1;
	}
	link_pause(l);
	ev_timer_start(a->signer->parts.loop, &a->turn);
	question(a, m, &who, fd);
	fd_close(&fd);
	return 0;
}

static void
asker_turn(struct ev_loop *loop, ev_timer *w, int events)
{
	struct asker *a = w->data;

	ev_timer_stop(loop, w);
	link_resume(&a->link);
}

static void
asker_lost(struct link *l, enum link_end how, const char *why)
{
	link_warn(l, why);
	asker_free(l->owner);
}

static const struct link_kind asker_kind = {
	.proto = &proto_sign,
	.message = asker_message,
	.lost = asker_lost,
};

void
signer_peer_gone(struct signer *s, enum peer kind, uint32_t instance)
{
	struct asker *a, *next;

	for (a = s->askers; a != NULL; a = next) {
		next = a->next;
		if (a->link.peer == kind && a->link.instance == instance)
			asker_free(a);
	}
}

void
signer_peer(struct signer *s, const struct wire *w)
{
	struct asker *a = mem_zalloc(1, sizeof(*a));

	signer_peer_gone(s, w->peer, w->instance);
	a->signer = s;
	str_copy(a->user, sizeof(a->user), w->user);
	ev_timer_init(&a->turn, asker_turn, 0., 0.);
	a->turn.data = a;
	a->next = s->askers;
	s->askers = a;
	link_init(&a->link, s->parts.loop, &asker_kind, a);
	link_open(&a->link, w->peer, w->instance, w->fd);
}
