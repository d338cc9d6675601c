#include <string.h>

#include "lib/base/log.h"
#include "lib/base/str.h"

#include "imapd/imapd_commands.h"
#include "imapd/imapd_engine.h"
#include "imapd/imapd_events.h"
#include "imapd/imapd_reply.h"

/* Scratch: a command's arguments live until its run function returns. */
static struct imapd_args args;

static const struct imapd_command *
command_find(const char *p, size_t len)
{
	const struct imapd_command *const *table, *c;

	for (table = imapd_commands; *table != NULL; table++)
		for (c = *table; c->name != NULL; c++)
			if (str_is(p, len, c->name))
				return c;
	return NULL;
}

/* tag = 1*<any ASTRING-CHAR except "+"> */
static int
is_tag(char c)
{
	return (unsigned char)c > ' ' && (unsigned char)c < 0x7f &&
	    strchr("(){%*\"\\+", c) == NULL;
}

/* Splits off the next word, up to a space or the end. */
static size_t
word_take(char **p, size_t *len, char **word)
{
	size_t n = 0;

	*word = *p;
	while (n < *len && (*p)[n] != ' ')
		n++;
	*p += n;
	*len -= n;
	return n;
}

/* Reads the tag into s->tag, "*" where there is no good one. 0, or -1. */
static int
tag_take(struct imapd_session *s, char **p, size_t *len)
{
	char *word;
	size_t n = word_take(p, len, &word), i;

	strcpy(s->tag, "*");
	if (n == 0 || n > IMAPD_TAG_MAX)
		return -1;
	for (i = 0; i < n; i++)
		if (!is_tag(word[i]))
			return -1;
	memcpy(s->tag, word, n);
	s->tag[n] = '\0';
	return 0;
}

/*
 * Reads " name" or " UID name"; p..len is then what follows the name. Returns
 * NULL having answered.
 */
static const struct imapd_command *
name_take(struct imapd_session *s, char **p, size_t *len)
{
	const struct imapd_command *c;
	char *word;
	size_t n;

	s->uid = 0;
	for (;;) {
		if (*len < 2 || **p != ' ') {
			imapd_bad(s, "There is no command");
			return NULL;
		}
		++*p;
		--*len;
		n = word_take(p, len, &word);
		if (s->uid || !str_is(word, n, "UID"))
			break;
		s->uid = 1;
	}
	c = command_find(word, n);
	if (c == NULL || (s->uid && !(c->flags & IMAPD_UID)) ||
	    (!s->uid && (c->flags & IMAPD_UID_ONLY))) {
		imapd_bad(s, "Unknown command");
		return NULL;
	}
	return c;
}

/* Is it the time for that command? -1 having answered. */
static int
state_check(struct imapd_session *s, const struct imapd_command *c)
{
	unsigned state = s->view != NULL ? IMAPD_SELECTED : IMAPD_AUTH;

	if (!(c->states & state)) {
		imapd_bad(s, "%s", s->view == NULL ?
		    "No mailbox is selected" : "Not with a selected mailbox");
		return -1;
	}
	if ((c->flags & IMAPD_WRITES) && s->view->readonly) {
		imapd_no(s, "[CANNOT] The mailbox is open read-only");
		return -1;
	}
	return 0;
}

static void
command_events(const struct imapd_command *c)
{
	if (c->flags & IMAPD_EVENTS)
		imapd_events();
}

static void
command_run(struct imapd_session *s, char *p, size_t len)
{
	const struct imapd_command *c;
	const char *why;

	s->cmd = NULL;
	if (tag_take(s, &p, &len) == -1) {
		imapd_bad(s, "Bad tag");
		return;
	}
	if ((c = name_take(s, &p, &len)) == NULL)
		return;
	s->cmd = c;
	if (s->view != NULL && s->view->box->gone) {
		imapd_session_bye(s, "The mailbox is gone");
		return;
	}
	if (state_check(s, c) == -1)
		return;
	if (imapd_args_parse(&args, p, len, &why) == -1)
		imapd_bad(s, "%s: %s", c->name, why);
	else if (args.top < c->min_args || args.top > c->max_args)
		imapd_bad(s, "%s: wrong number of arguments", c->name);
	else {
		command_events(c);
		c->run(s, args.a, args.top);
	}
	if (args.cap > 1000)
		imapd_args_clear(&args);
}

static void
idle_stop(struct imapd_session *s)
{
	s->idle = 0;
	imapd_view_takes(s, 0);
}

/* A literal comes: for the command's own use, or as a part of it. */
static void
literal_begin(struct imapd_session *s, const struct imapd_line *l)
{
	const struct imapd_command *c;
	char *p = l->p;
	size_t len = l->len;
	const char *why;

	/* Its answer is the one of IDLE: the client waits for no other. */
	if (s->idle) {
		idle_stop(s);
		goto refuse;
	}
	if (tag_take(s, &p, &len) == -1)
		goto refuse;
	s->cmd = NULL;
	if ((c = name_take(s, &p, &len)) == NULL) {
		imapd_refuse(s, l);
		return;
	}
	s->cmd = c;
	/* " arg arg " with the space before the literal. */
	if (c->literal != NULL && len > 1 && p[len - 1] == ' ' &&
	    imapd_args_parse(&args, p, len - 1, &why) == 0 && args.top > 0) {
		if (state_check(s, c) == 0) {
			command_events(c);
			c->literal(s, args.a, args.top, l);
		} else
			imapd_refuse(s, l);
		return;
	}
	if (imapd_input_take(&s->in, l) == 0) {
		if (l->sync)
			buf_puts(&s->out, "+ OK\r\n");
		return;
	}
refuse:
	imapd_refuse(s, l);
	if (!s->closing)
		imapd_bad(s, "Literal refused");
}

/* IDLE ends with the line DONE (RFC 2177). */
static void
idle_end(struct imapd_session *s, const struct imapd_line *l)
{
	idle_stop(s);
	if (str_is(l->p, l->len, "DONE"))
		imapd_ok(s, "IDLE completed");
	else
		imapd_bad(s, "Expected DONE");
}

int
imapd_engine_step(struct imapd_session *s)
{
	struct imapd_line l;

	if (s->divert != NULL)
		return s->divert(s);
	switch (imapd_input_next(&s->in, &l)) {
	case IMAPD_INPUT_MORE:
		return 0;
	case IMAPD_INPUT_LITERAL:
		literal_begin(s, &l);
		return 1;
	case IMAPD_INPUT_DROPPED:
		imapd_refuse(s, &l);
		return 1;
	case IMAPD_INPUT_TOO_LONG:
		s->cmd = NULL;
		idle_stop(s);
		(void)tag_take(s, &l.p, &l.len);
		imapd_bad(s, "The line is too long");
		break;
	case IMAPD_INPUT_COMMAND:
		if (s->idle)
			idle_end(s, &l);
		else
			command_run(s, l.p, l.len);
		break;
	}
	imapd_input_done(&s->in);
	return 1;
}
