/*
 * The text `sieve` of a user (file_sieve.h). A change is alone in its account,
 * as that of the list of mailboxes is, so that it rests on what it has read.
 * Whether there is an active script is known with the account: who has none
 * pays a look at the load.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/file_sieve.h"
#include "store/op_sieve.h"
#include "store/shard_files.h"
#include "store/shard_syncer.h"
#include "store/text.h"

static const char text_name[] = "sieve";

struct sieve_task {
	struct task t;		/* first */
	enum door_type type;
	char	*name;
	char	*script;	/* of PUT */
	size_t	 len;
	int	 on;
	struct buf text;	/* the file as it will be */
	int	 active;	/* ... has an active one */
	int	 nothing;	/* no change, or refused */
};

/* The file, and what is in it. 0; -1, said. A user without one has none. */
static int
read_scripts(const struct account *a, struct buf *text, struct scripts *l)
{
	l->n = 0;
	if (text_read(a->path, 0, text_name, text) == -1) {
		if (errno == ENOENT)
			return 0;
		log_warn("%s/sieve: %s", a->path, strerror(errno));
		return -1;
	}
	if (scripts_parse(l, buf_str(text), text->len) == 0)
		return 0;
	log_warn("%s/sieve: makes no sense", a->path);
	return -1;
}

void
sieve_adopt(struct account *a)
{
	struct buf text = BUF_INIT(2 * DOOR_SCRIPTS_MAX);
	struct scripts l;

	a->scripted = 0;
	switch (text_present(a->path, 0, text_name)) {
	case 0:
		break;
	case 1:
		/* One that cannot be read holds its mail back. */
		a->scripted = read_scripts(a, &text, &l) == -1 ||
		    scripts_find(&l, NULL) != NULL;
		break;
	default:
		a->scripted = 1;
		break;
	}
	buf_clear(&text);
}

int
sieve_active(struct account *a, struct buf *text_r)
{
	struct buf text = BUF_INIT(2 * DOOR_SCRIPTS_MAX);
	const struct script *s;
	struct scripts l;
	int r = -1;

	if (read_scripts(a, &text, &l) == 0) {
		s = scripts_find(&l, NULL);
		r = s != NULL;
		if (s != NULL)
			buf_append(text_r, s->text, s->len);
	}
	buf_clear(&text);
	return r;
}

/* Reading */

static void
op_list(struct request *r)
{
	struct buf text = BUF_INIT(2 * DOOR_SCRIPTS_MAX), names = BUF_INIT(0);
	const struct script *s;
	struct scripts l;
	size_t i;

	if (read_scripts(r->account, &text, &l) == -1) {
		request_fail(r, D_LATER, "the scripts cannot be read");
		buf_clear(&text);
		return;
	}
	s = scripts_find(&l, NULL);
	buf_put_lv(&names, s != NULL ? s->name : "", s != NULL ?
	    s->name_len : 0);
	for (i = 0; i < l.n; i++)
		buf_put_lv(&names, l.s[i].name, l.s[i].name_len);
	if (client_begin(r->c, DM_NAMES, r->m->id)) {
		msg_bytes(&r->c->chan, DF_NAMES, names.data, names.len);
		client_end(r->c, r->account->shard);
	}
	buf_clear(&names);
	buf_clear(&text);
}

static void
op_get(struct request *r)
{
	struct buf text = BUF_INIT(2 * DOOR_SCRIPTS_MAX);
	char *name = msg_get_dup(r->m, DF_NAME);
	const struct script *s;
	struct scripts l;

	if (read_scripts(r->account, &text, &l) == -1)
		request_fail(r, D_LATER, "the scripts cannot be read");
	else if ((s = scripts_find(&l, name)) == NULL)
		request_fail(r, D_ABSENT, "no such script");
	else if (client_begin(r->c, DM_SCRIPT_IS, r->m->id)) {
		msg_bytes(&r->c->chan, DF_CACHE, s->text, s->len);
		client_end(r->c, r->account->shard);
	}
	free(name);
	buf_clear(&text);
}

/* Changes */

static void
change_files(struct task *t)
{
	struct sieve_task *c = (struct sieve_task *)t;

	if (c->nothing || t->error != D_OK)
		return;
	if (task_text(t, 0, text_name, &c->text) == -1)
		task_fail(t, D_LATER, strerror(errno));
}

static void
change_commit(struct task *t)
{
	(void)t;
}

static void
change_finish(struct task *t)
{
	struct sieve_task *c = (struct sieve_task *)t;
	struct account *a = t->account;

	if (t->error == D_OK) {
		if (!c->nothing)
			a->scripted = c->active;
		client_done(t->client, t->id);
	} else {
		/* Whether the file is the new one is not known. */
		if (!c->nothing)
			sieve_adopt(a);
		client_failed(t->client, a->shard, t->id, t->error, t->words);
	}
	free(c->name);
	free(c->script);
	buf_clear(&c->text);
	free(c);
	account_end(a);
}

static const struct task_kind change_kind = {
	change_files, change_commit, change_finish
};

static void
deactivate(struct scripts *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		l->s[i].active = 0;
}

static enum door_error
put(struct sieve_task *c, struct scripts *l)
{
	struct script *s = scripts_find(l, c->name);

	if (s == NULL) {
		if (l->n == SCRIPTS_COUNT_MAX)
			return D_REFUSED;
		s = &l->s[l->n++];
		*s = (struct script){ .name = c->name,
			.name_len = strlen(c->name) };
	}
	s->text = c->script;
	s->len = c->len;
	if (c->on) {
		deactivate(l);
		s->active = 1;
	}
	return D_OK;
}

static enum door_error
change(struct sieve_task *c, struct scripts *l)
{
	struct script *s;

	if (c->type == DM_SCRIPT_PUT)
		return put(c, l);
	s = scripts_find(l, c->name);
	if (c->type == DM_SCRIPT_DELETE) {
		if (s == NULL)
			return D_ABSENT;
		scripts_drop(l, s);
		return D_OK;
	}
	if (s == NULL && c->name[0] != '\0')
		return D_ABSENT;
	deactivate(l);
	if (s != NULL)
		s->active = 1;
	return D_OK;
}

/* The account is ours alone now. */
static void
change_go(struct account *a)
{
	struct buf text = BUF_INIT(2 * DOOR_SCRIPTS_MAX);
	struct sieve_task *c = a->idle_arg;
	enum door_error e = D_LATER;
	struct scripts l;

	if (read_scripts(a, &text, &l) == 0 && (e = change(c, &l)) == D_OK) {
		scripts_format(&l, &c->text);
		c->active = scripts_find(&l, NULL) != NULL;
		if (c->text.len > DOOR_SCRIPTS_MAX)
			e = D_REFUSED;
	}
	if (e != D_OK) {
		c->nothing = 1;
		task_fail(&c->t, e, e == D_LATER ? "the scripts cannot be "
		    "read" : e == D_ABSENT ? "no such script" :
		    "there is no room for that script");
	}
	buf_clear(&text);
	task_submit(&c->t);
}

static void
op_change(struct request *r)
{
	char *name = msg_get_dup(r->m, DF_NAME);
	struct sieve_task *c;
	const char *p;
	size_t len;

	if (r->m->type == DM_SCRIPT_PUT && !script_name_ok(name)) {
		request_fail(r, D_REFUSED, "no script can have that name");
		free(name);
		return;
	}
	c = mem_zalloc(1, sizeof(*c));
	c->t.kind = &change_kind;
	c->t.account = r->account;
	c->t.client = client_hold(r->c);
	c->t.id = r->m->id;
	c->type = (enum door_type)r->m->type;
	c->name = name;
	if (c->type == DM_SCRIPT_PUT) {
		p = msg_get(r->m, DF_CACHE, &len);
		c->script = mem_strndup(p != NULL ? p : "", len);
		c->len = len;
		c->on = msg_get_u32(r->m, DF_ON) != 0;
	}
	account_begin(r->account, change_go, c);
}

const struct op op_sieve_rows[] = {
	{ DM_SCRIPT_LIST, op_list, 0 },
	{ DM_SCRIPT_GET, op_get, 0 },
	{ DM_SCRIPT_PUT, op_change, OP_ALONE | OP_ADDS },
	{ DM_SCRIPT_ACTIVATE, op_change, OP_ALONE | OP_CHANGES },
	{ DM_SCRIPT_DELETE, op_change, OP_ALONE | OP_REMOVES },
	{ 0 }
};
