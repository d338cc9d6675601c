#include <stdlib.h>

#include "auth/login_auth.h"
#include "auth/login_dialogue.h"
#include "auth/login_server.h"
#include "lib/base/mem.h"
#include "lib/net/tls.h"

void
login_server_init(struct login_server *s, struct ev_loop *loop, unsigned max,
    SSL_CTX *imap, SSL_CTX *pop3)
{
	uint32_t i;

	if (max > LOGIN_SLOTS_MAX)
		max = LOGIN_SLOTS_MAX;
	s->loop = loop;
	s->max = max;
	s->imap = imap;
	s->pop3 = pop3;
	s->addresses = login_counts_new();
	s->users = login_counts_new();
	s->slot = mem_zalloc(max, sizeof(*s->slot));
	s->free_slot = mem_zalloc(max, sizeof(*s->free_slot));
	for (i = 0; i < max; i++)
		s->free_slot[s->n_free++] = max - 1 - i;
	s->passed = login_dialogue_passed;
	s->refused = login_dialogue_refused;
	login_auth_init(s);
}

void
login_server_clear(struct login_server *s)
{
	uint32_t i;

	for (i = 0; i < s->max; i++)
		if (s->slot[i] != NULL) {
			s->slot[i]->state = LOGIN_DEAD;
			login_client_done(s->slot[i]);
		}
	link_clear(&s->auth);
	login_counts_free(&s->addresses);
	login_counts_free(&s->users);
	free(s->slot);
	free(s->free_slot);
	tls_free(&s->imap);
	tls_free(&s->pop3);
}

/* A connection holds a reference to the context that it began with. */
void
login_server_certs(struct login_server *s, SSL_CTX *imap, SSL_CTX *pop3)
{
	tls_free(&s->imap);
	tls_free(&s->pop3);
	s->imap = imap;
	s->pop3 = pop3;
}

void
login_server_stop(struct login_server *s)
{
	struct login_client *c, *next;

	s->stopping = 1;
	for (c = s->oldest; c != NULL; c = next) {
		next = c->next;
		login_client_bye(c, "the server is shutting down");
		login_client_done(c);
	}
}
