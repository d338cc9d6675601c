#include <errno.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/mail/dsn.h"
#include "lib/mail/packed.h"
#include "queue/queue_body.h"
#include "queue/queue_dest.h"
#include "queue/queue_fields.h"
#include "queue/queue_life.h"
#include "queue/queue_notify.h"
#include "queue/queue_send.h"

/* The account by its name now; where that cannot be told store will. */
static const char *
owner_of(const struct target *t, struct buf *name)
{
	return tables_renamed(queue.tables, t->way, name) == LOOKUP_FOUND ?
	    buf_str(name) : t->way;
}

static void
put_targets(struct buf *out, const struct queue_job *j)
{
	struct buf name = BUF_INIT(ADDRESS_MAX);
	const struct target *t;
	const char *owner;
	size_t i;

	if (j->dest == NULL)
		queue_tables_fresh();
	for (i = 0; i < j->n; i++) {
		t = &j->m->targets.t[j->index[i]];
		owner = j->dest == NULL ? owner_of(t, &name) : NULL;
		packed_put_target(out, &(struct packed_target){ j->index[i],
		    owner, owner != NULL ? strlen(owner) : 0, t->address,
		    strlen(t->address) });
	}
	buf_clear(&name);
}

/*
 * RFC 3461 5.2.1: where ORCPT was not given it may be added, with "the
 * recipient address from the RCPT command used when the message was received".
 * It tells something where an alias stands between, or the sender asked for
 * reports. What a list sends on was never the original recipient's (5.2.7.3):
 * it is for the address in the list, which its owner knows.
 */
static void
put_orcpt(struct buf *orcpt, const struct message *m, const struct target *t)
{
	const struct recipient *r = &m->env.rcpt[t->rcpt];
	const char *address = t->owner != NULL ? t->address : r->address;

	buf_reset(orcpt);
	if (t->owner == NULL && r->orcpt[0] != '\0') {
		buf_puts(orcpt, r->orcpt);
		return;
	}
	if (m->env.sender[0] == '\0' || (!t->forwarded && r->notify == 0))
		return;
	buf_puts(orcpt, "rfc822;");
	if (xtext_put(orcpt, address, strlen(address)) == -1)
		buf_reset(orcpt);
}

/* ORCPT and NOTIFY of the targets, where there is one of them. */
static void
put_dsn(struct buf *out, const struct queue_job *j)
{
	struct buf orcpt = BUF_INIT(ORCPT_MAX);
	const struct target *t;
	uint32_t notify;
	size_t i;

	for (i = 0; i < j->n; i++) {
		t = &j->m->targets.t[j->index[i]];
		put_orcpt(&orcpt, j->m, t);
		notify = notify_of(j->m, t);
		if (orcpt.len > 0 || notify != 0)
			packed_put_dsn(out, &(struct packed_dsn){ j->index[i],
			    buf_str(&orcpt), orcpt.len, notify });
	}
	buf_clear(&orcpt);
}

/* What a job says of its way. */
static void
write_way(struct chan *c, const struct queue_job *j)
{
	static struct buf packed;
	const struct envelope *e = &j->m->env;

	buf_reset(&packed);
	put_targets(&packed, j);
	msg_bytes(c, JF_RECIPIENTS, packed.data, packed.len);
	if (j->dest == NULL) {
		msg_u32(c, JF_OFFSET, e->final);
		return;
	}
	msg_u32(c, JF_OFFSET, j->forwarded ? e->forward : e->final);
	dest_key_put(&j->dest->key, c);
	buf_reset(&packed);
	put_dsn(&packed, j);
	if (packed.len > 0)
		msg_bytes(c, JF_RCPT_DSN, packed.data, packed.len);
}

/*
 * What a job says of the envelope. Behind a list it is another one: sent by
 * the list's owner, who gave no ENVID and no RET (RFC 3461 5.2.7.3).
 */
static void
write_envelope(struct chan *c, const struct queue_job *j)
{
	struct envelope e = j->m->env;
	const char *owner = job_owner(j);

	if (owner != NULL) {
		e.sender = owner;
		e.envid = "";
		e.ret = 0;
	}
	fields_write(&e, c, j->dest == NULL ? FIELD_DELIVER : FIELD_RELAY);
}

static int
send_message(struct worker *w, struct queue_job *j, int fd)
{
	char id[QUEUE_ID_LEN + 1];
	struct chan *c;
	int r;

	queue_id_text(j->m->id, id);
	c = link_begin(&w->link, j->dest == NULL ? J_DELIVER : J_RELAY, j->id);
	msg_text(c, JF_FILE, id);
	write_envelope(c, j);
	write_way(c, j);
	msg_fd(c, fd);
	if ((r = msg_end(c)) == 0)
		link_flush(&w->link);
	return r;
}

/* The message's body, freshly opened; -1 when it was set aside instead. */
static int
send_body(struct queue_job *j)
{
	int fd = j->m->fd;

	j->m->fd = -1;
	if (fd != -1 || (fd = body_open(j->m->id)) != -1)
		return fd;
	if (errno == ENOENT)
		life_aside(j->m, "4.3.0 the body is missing");
	else
		job_defer(j, "4.3.0 the body cannot be opened");
	return -1;
}

int
send_job(struct worker *w, struct queue_job *j)
{
	int fd = send_body(j);

	if (fd == -1)
		return 0;
	j->id = ++w->next_id;
	if (j->id == 0)
		j->id = ++w->next_id;
	if (send_message(w, j, fd) == -1) {
		w->pause_until = clock_mono_ms() + REFUSED_PAUSE;
		return -1;
	}
	job_give(j, w);
	if (j->dest != NULL) {
		w->dest = j->dest->key;
		w->served = 1;
		w->hurried = 0;
	}
	return 0;
}

void
send_hurry(struct worker *w)
{
	const struct queue_job *j = TAILQ_FIRST(&w->jobs);

	if (j == NULL || w->hurried)
		return;
	w->hurried = 1;
	link_begin(&w->link, J_HURRY, j->id);
	link_send(&w->link);
}
