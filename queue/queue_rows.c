#include <string.h>

#include "lib/mail/notes.h"
#include "lib/mail/reply_kind.h"
#include "lib/mail/result.h"
#include "lib/server/wire.h"
#include "queue/queue_body.h"
#include "queue/queue_fields.h"
#include "queue/queue_rows.h"

int
entry_is_held(const struct entry *e)
{
	return e->state == ENTRY_HELD || (e->msg != NULL && e->msg->hold);
}

static const char *
state_name(const struct entry *e)
{
	static const char *const name[] = {
		[ENTRY_NEW] = "new", [ENTRY_WAITING] = "deferred",
		[ENTRY_READY] = "ready", [ENTRY_ACTIVE] = "active",
		[ENTRY_HELD] = "held", [ENTRY_ASIDE] = "broken",
	};

	return name[entry_is_held(e) ? ENTRY_HELD : e->state];
}

static const char *const result_names[] = {
	[TARGET_OPEN] = "waiting", [TARGET_DONE] = "delivered",
	[TARGET_REFUSED] = "failed", [TARGET_REPORTED] = "reported",
};

static const char *
result_name(const struct target *t)
{
	return target_is_alias(t) ? "expanded" : result_names[t->state];
}

/* NULL for none. */
static const char *
class_name(const struct target *t)
{
	return t == NULL || t->words == NULL ? NULL :
	    reply_kind_name(reply_kind(t->words));
}

static const char list_names[] =
	"id state arrived size sender recipient target result attempts next "
	"class reason";

static void
list_row(struct answer *a, const struct entry *e, const struct message *m,
    const struct target *t, const char *recipient)
{
	char id[QUEUE_ID_LEN + 1];

	queue_id_text(m->id, id);
	answer_text(a, id);
	answer_text(a, state_name(e));
	answer_time(a, m->env.time);
	answer_number(a, m->env.length);
	answer_text(a, m->env.sender);
	answer_text(a, recipient);
	answer_text(a, t != NULL ? t->address : recipient);
	answer_text(a, t != NULL ? result_name(t) : "waiting");
	answer_number(a, e->attempts);
	if (e->state == ENTRY_WAITING &&
	    (t == NULL || t->state == TARGET_OPEN))
		answer_time(a, (uint64_t)e->next);
	else
		answer_text(a, NULL);
	answer_text(a, class_name(t));
	answer_text(a, t != NULL ? t->words : NULL);
	answer_row(a, list_names, -1);
}

int
rows_list(struct control_client *c, const struct entry *e,
    const struct message *m, size_t *at)
{
	size_t n = m->targets.n > 0 ? m->targets.n : m->env.n_rcpt;
	const struct target *t;

	for (; *at < n; (*at)++) {
		if (control_behind(c))
			return 1;
		t = m->targets.n > 0 ? &m->targets.t[*at] : NULL;
		list_row(&c->answer, e, m, t,
		    m->env.rcpt[t != NULL ? t->rcpt : *at].address);
	}
	*at = 0;
	return 0;
}

/* Show: rows of a name and a value. */

static const char show_names[] = "field value";

static void
show_text(struct answer *a, const char *name, const char *text)
{
	answer_text(a, name);
	answer_text(a, text);
	answer_row(a, show_names, -1);
}

static void
show_number(struct answer *a, const char *name, uint64_t v)
{
	answer_text(a, name);
	answer_number(a, v);
	answer_row(a, show_names, -1);
}

static void
show_time(struct answer *a, const char *name, const uint64_t *v)
{
	answer_text(a, name);
	if (v != NULL)
		answer_time(a, *v);
	else
		answer_text(a, NULL);
	answer_row(a, show_names, -1);
}

static const char *
origin_name(uint32_t origin)
{
	return origin == Q_ORIGIN_REPORT ? "report" :
	    origin == Q_ORIGIN_COLLECTOR ? "collector" :
	    service_name((enum service)origin);
}

struct bit {
	uint32_t bit;
	const char *name;
};

static const struct bit flag_bits[] = {
	{ Q_8BIT, "8bit" }, { Q_SMTPUTF8, "smtputf8" },
	{ Q_REQUIRETLS, "requiretls" }, { 0, NULL }
};
static const struct bit notify_bits[] = {
	{ Q_NOTIFY_NEVER, "NEVER" }, { Q_NOTIFY_SUCCESS, "SUCCESS" },
	{ Q_NOTIFY_FAILURE, "FAILURE" }, { Q_NOTIFY_DELAY, "DELAY" },
	{ 0, NULL }
};

static void
show_texts(struct answer *a, const char *name, const struct buf *packed)
{
	answer_text(a, name);
	answer_texts(a, packed);
	answer_row(a, show_names, -1);
}

/* The names of the bits that are set. */
static void
show_bits(struct answer *a, const char *name, const struct bit *b,
    uint32_t set)
{
	struct buf packed = BUF_INIT(0);

	for (; b->name != NULL; b++)
		if (set & b->bit)
			buf_put_lv(&packed, b->name, strlen(b->name));
	show_texts(a, name, &packed);
	buf_clear(&packed);
}

/* NULL for none. */
static const char *
given(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static void
show_notes(struct answer *a, const char *field,
    const struct envelope_bytes *notes)
{
	struct buf packed = BUF_INIT(0), text = BUF_INIT(NOTE_NAME_MAX + NOTE_VALUE_MAX + 1);
	const char *name, *value;
	size_t name_len, value_len;
	struct cursor c;

	cursor_init(&c, notes->p, notes->len);
	while (notes_next(&c, &name, &name_len, &value, &value_len)) {
		buf_set(&text, "%.*s=%.*s", (int)name_len, name,
		    (int)value_len, value);
		buf_put_lv(&packed, text.data, text.len);
	}
	show_texts(a, field, &packed);
	buf_clear(&packed);
	buf_clear(&text);
}

/* What most messages do not have. */
static void
show_fields(struct answer *a, const struct envelope *e)
{
	const struct envelope_field *f;

	for (f = envelope_fields; f->name != NULL; f++) {
		if (f->flags & FIELD_FIXED)
			continue;
		if (f->type == MSG_BYTES)
			show_notes(a, f->name, field_bytes(f, e));
		else if (field_absent(f, e))
			show_text(a, f->name, NULL);
		else if (f->type == MSG_TEXT)
			show_text(a, f->name, field_text(f, e));
		else if (f->words != NULL && field_number(f, e) <= f->max)
			show_text(a, f->name, f->words[field_number(f, e)]);
		else
			show_number(a, f->name, field_number(f, e));
	}
}

/* Where its mail goes, and how far it came. */
static void
show_target(struct answer *a, const struct target *t)
{
	show_text(a, "target", t->address);
	show_text(a, "result", result_name(t));
	show_text(a, "class", class_name(t));
	show_text(a, "reason", t->words);
	show_text(a, "owner", t->owner);
}

/* 0, or -1 where so much waits to be read that the rest is left out. */
static int
show_recipient(struct control_client *c, const struct message *m, size_t i)
{
	const struct recipient *r = &m->env.rcpt[i];
	size_t k;

	if (control_behind(c))
		return -1;
	show_text(&c->answer, "recipient", r->address);
	show_text(&c->answer, "orcpt", given(r->orcpt));
	show_bits(&c->answer, "notify", notify_bits, r->notify);
	for (k = 0; k < m->targets.n; k++) {
		if (m->targets.t[k].rcpt != i)
			continue;
		if (control_behind(c))
			return -1;
		show_target(&c->answer, &m->targets.t[k]);
	}
	return 0;
}

static void
show_recipients(struct control_client *c, const struct message *m)
{
	size_t i;

	for (i = 0; i < m->env.n_rcpt; i++)
		if (show_recipient(c, m, i) == -1) {
			show_text(&c->answer, "more", "is left out here: "
			    "\"rohrpost queue list\" has all recipients");
			return;
		}
	show_text(&c->answer, "more", NULL);
}

void
rows_show(struct control_client *c, const struct entry *e,
    const struct message *m)
{
	struct answer *a = &c->answer;
	uint64_t next = (uint64_t)e->next;
	char id[QUEUE_ID_LEN + 1];

	queue_id_text(e->id, id);
	answer_text(a, "id");
	answer_text(a, id);
	answer_row(a, show_names, body_open(e->id));
	show_text(a, "state", state_name(e));
	show_text(a, "sender", m->env.sender);
	show_text(a, "login", given(m->env.login));
	show_text(a, "client", given(m->env.client));
	show_text(a, "envelope_id", given(m->env.envid));
	show_text(a, "origin", m->env.origin != 0 ?
	    origin_name(m->env.origin) : NULL);
	show_bits(a, "flags", flag_bits, m->env.flags);
	show_fields(a, &m->env);
	show_time(a, "arrived", &m->env.time);
	show_number(a, "size", m->env.length);
	show_number(a, "body_offset", m->env.final);
	show_number(a, "attempts", e->attempts);
	show_time(a, "next", e->state == ENTRY_WAITING ? &next : NULL);
	show_recipients(c, m);
}
