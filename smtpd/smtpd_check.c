#include <string.h>

#include "lib/base/log.h"
#include "lib/mail/notes.h"
#include "smtpd/smtpd_check.h"

/* RFC 5322 2.1.1 */
enum { NOTE_LINE_MAX = 998 };

/* Printable ASCII but the colon (RFC 5322 3.6.8). */
static int
is_field_name(const char *p)
{
	size_t i;

	for (i = 0; p[i] != '\0'; i++)
		if (p[i] <= ' ' || p[i] > '~' || p[i] == ':')
			return 0;
	return i > 0 && i <= NOTE_FIELD_MAX;
}

/*
 * A check puts together what it says of a stranger's message: it shall not
 * end the field before its end, whatever the stranger wrote.
 */
static int
is_field_value(const char *p)
{
	size_t line = NOTE_FIELD_MAX + 2;

	for (; *p != '\0'; p++) {
		if (p[0] == '\r' && p[1] == '\n' &&
		    (p[2] == ' ' || p[2] == '\t')) {
			line = 0;
			p++;
		} else if ((*p < ' ' && *p != '\t') || *p > '~' ||
		    ++line > NOTE_LINE_MAX)
			return 0;
	}
	return 1;
}

/* Copies a text that a hook lent. -1 where it is not to be had. */
static int
take_note(struct smtp_notes *n, const char *name, const struct smtp_verdict *v)
{
	size_t before = n->fields.len;

	if (v->field != NULL && (!is_field_name(v->field) ||
	    v->value == NULL || !is_field_value(v->value) ||
	    buf_printf(&n->fields, "%s: %s\r\n", v->field, v->value) == -1))
		return -1;
	if (v->result == NULL || notes_add(&n->packed, name, v->result) == 0)
		return 0;
	buf_truncate(&n->fields, before);
	return -1;
}

static void
take_notes(const struct smtp_session *s, struct smtp_notes *n,
    const char *name, const struct smtp_verdict *v)
{
	for (; v != NULL; v = v->more)
		if (take_note(n, name, v) == -1)
			log_warn("client %s: check %s: a note was left out",
			    s->remote, name);
}

static void
notes_init(struct smtp_notes *n)
{
	buf_init(&n->fields, NOTE_FIELDS_MAX);
	buf_init(&n->packed, NOTES_MAX);
}

static enum smtp_scope
scope_of(enum smtp_stage stage)
{
	return stage == STAGE_CONNECT ? SCOPE_CONNECTION :
	    stage == STAGE_HELO ? SCOPE_HELO : SCOPE_TRANSACTION;
}

/* What was noted stands now: in place of an earlier HELO's, else added. */
static void
keep_notes(struct smtp_session *s, enum smtp_scope scope, struct smtp_notes *n)
{
	struct smtp_notes *to = &s->notes[scope];
	size_t before;

	if (scope == SCOPE_HELO)
		smtp_notes_reset(to);
	if (n->fields.len == 0 && n->packed.len == 0)
		return;
	if (to->fields.max == 0)
		notes_init(to);
	before = to->fields.len;
	if (buf_append(&to->fields, n->fields.data, n->fields.len) == 0 &&
	    buf_append(&to->packed, n->packed.data, n->packed.len) == 0)
		return;
	buf_truncate(&to->fields, before);
	log_warn("client %s: too many notes", s->remote);
}

static struct smtp_refusal
refusal_of(enum smtp_stage stage, const struct smtp_verdict *v)
{
	if (v->outcome == VERDICT_REFUSE)
		return v->refusal;
	/* RFC 5321 3.8: whoever is turned away at the door hears 421. */
	return (struct smtp_refusal){ stage == STAGE_CONNECT ? 421 : 451,
		"4.3.0", v->refusal.words };
}

struct smtp_refusal
smtp_check(struct smtp_session *s, enum smtp_stage stage, struct smtp_case *c)
{
	struct smtp_refusal r = { 0, NULL, NULL };
	const struct smtp_check *row;
	struct smtp_verdict v;
	struct smtp_notes n;

	notes_init(&n);
	for (row = smtp_checks; row->name != NULL && r.code == 0; row++) {
		if (row->at[stage] == NULL)
			continue;
		v = row->at[stage](s, c);
		if (v.outcome == VERDICT_REFUSE ||
		    v.outcome == VERDICT_LATER)
			r = refusal_of(stage, &v);
		else if (v.outcome == VERDICT_NOTE)
			take_notes(s, &n, row->name, &v);
	}
	if (r.code == 0)
		keep_notes(s, scope_of(stage), &n);
	buf_clear(&n.fields);
	buf_clear(&n.packed);
	return r;
}

struct smtp_check_mark
smtp_check_mark(const struct smtp_session *s)
{
	const struct smtp_notes *n = &s->notes[SCOPE_TRANSACTION];

	return (struct smtp_check_mark){ n->fields.len, n->packed.len };
}

void
smtp_check_back(struct smtp_session *s, const struct smtp_check_mark *m)
{
	struct smtp_notes *n = &s->notes[SCOPE_TRANSACTION];

	buf_truncate(&n->fields, m->fields);
	buf_truncate(&n->packed, m->packed);
}

void
smtp_check_fields(const struct smtp_session *s, struct buf *out)
{
	unsigned i;

	for (i = 0; i < SCOPES; i++)
		buf_append(out, s->notes[i].fields.data,
		    s->notes[i].fields.len);
}

void
smtp_check_notes(const struct smtp_session *s, struct buf *out)
{
	size_t before;
	unsigned i;

	for (i = 0; i < SCOPES; i++) {
		if (s->notes[i].packed.len == 0)
			continue;
		before = out->len;
		if (buf_append(out, s->notes[i].packed.data,
		    s->notes[i].packed.len) == 0 &&
		    notes_check(out->data, out->len) == 0)
			continue;
		buf_truncate(out, before);
		log_warn("client %s: too many notes", s->remote);
	}
}
