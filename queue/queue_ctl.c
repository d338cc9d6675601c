#include <stdlib.h>

#include "lib/base/mem.h"
#include "queue/queue_command.h"
#include "queue/queue_ctl.h"
#include "queue/queue_dest.h"
#include "queue/queue_table.h"

static struct control control;

struct chunk {
	uint64_t id[CTL_CHUNK];
	size_t	 n;
};

static int
chunk_each(uint64_t id, enum record r, uint32_t index, const void *p,
    size_t len, void *arg)
{
	struct chunk *k = arg;

	if (r == RECORD_ENVELOPE)
		k->id[k->n++] = id;
	return k->n == CTL_CHUNK;
}

/* One that was deleted may be there still, until its bounce is made. */
static struct entry *
ctl_find(uint64_t id)
{
	struct entry *e = sched_find(&queue.sched, id);

	return e != NULL && e->msg != NULL && e->msg->drop ? NULL : e;
}

/* In a command in slices: the message of that id, if it is there still. */
static enum one
command_next(struct queue_ctl *c, uint64_t id)
{
	struct buf words = BUF_INIT(200);
	struct entry *e = ctl_find(id);
	enum one r = ONE_NOT;

	if (e != NULL && id != c->at)
		c->row = 0;
	if (e != NULL)
		r = command_find(c->c.command)->one(c, e, &words);
	c->at = r == ONE_MORE ? id : id + 1;
	c->done += r == ONE_DONE;
	c->failed += r == ONE_FAILED;
	if (r == ONE_FAILED && c->why == NULL)
		c->why = mem_strdup(buf_str(&words));
	buf_clear(&words);
	return r;
}

/* r: of the walk, 0 or -1. */
static void
command_end(struct queue_ctl *c, int r)
{
	struct buf words = BUF_INIT(300);
	unsigned failed = c->failed;

	buf_set(&words, "%u messages", c->done);
	if (failed > 0)
		buf_printf(&words, ", and %u failed: %s", failed, c->why);
	if (r == -1)
		buf_set(&words, "the table cannot be read");
	free(c->why);
	c->why = NULL;
	/* This may free c. */
	control_end(&c->c, r == -1 ? C_BUSY : failed > 0 ? C_REFUSED : C_OK,
	    buf_str(&words));
	buf_clear(&words);
}

static void
command_clear(struct control_client *cc)
{
	free(((struct queue_ctl *)cc)->why);
}

static void
command_slices(struct queue_ctl *c, uint64_t first, uint64_t last)
{
	c->at = first;
	c->last = last;
	c->row = 0;
	c->done = c->failed = 0;
	control_slices(&c->c);
}

/* The next messages of a command about all of them. */
static void
command_slice(struct control_client *cc)
{
	struct queue_ctl *c = (struct queue_ctl *)cc;
	struct chunk k = { .n = 0 };
	size_t i;
	int r;

	r = table_walk(c->at, chunk_each, &k);
	for (i = 0; i < k.n && !control_behind(cc); i++) {
		if (c->last != 0 && k.id[i] > c->last) {
			r = 0;
			i = k.n;
			break;
		}
		if (command_next(c, k.id[i]) == ONE_MORE)
			return;
	}
	if (r != 1 && i == k.n)
		command_end(c, r);
}

static void
command_one(struct queue_ctl *c, const struct queue_command *cmd, const char *p,
    size_t len)
{
	struct buf why = BUF_INIT(200);
	struct entry *e = NULL;
	uint64_t id;

	if (queue_id_parse(p, len, &id) == 0)
		e = ctl_find(id);
	if (e == NULL)
		buf_set(&why, "%.*s: no such message in the queue (\"rohrpost "
		    "trace\" tells what became of it)", (int)len, p);
	if (e == NULL)
		control_end(&c->c, C_REFUSED, buf_str(&why));
	else if (cmd->long_answer)
		command_slices(c, id, id);
	else if (cmd->one(c, e, &why) != ONE_DONE)
		control_end(&c->c, C_REFUSED, buf_str(&why));
	else
		control_end(&c->c, C_OK, "");
	buf_clear(&why);
}

static void
command_begin(struct control_client *cc, struct msg *m)
{
	const struct queue_command *cmd = command_find(m->type);
	struct queue_ctl *c = (struct queue_ctl *)cc;
	const char *p;
	size_t len;

	p = msg_get(m, CF_ID, &len);
	if (m->type == C_RETRY)
		dest_forget_down();
	if (cmd->all != NULL) {
		cmd->all(c);
	} else if (cmd->one == NULL) {
		control_end(cc, C_REFUSED, "queue does not know that");
	} else if (len > 0) {
		command_one(c, cmd, p, len);
	} else if (cmd->need_id) {
		control_end(cc, C_REFUSED, "a queue id is needed");
	} else {
		command_slices(c, 1, 0);
	}
}

static const struct control_kind queue_control = {
	.size = sizeof(struct queue_ctl),
	.command = command_begin,
	.slice = command_slice,
	.clear = command_clear,
};

void
ctl_listen(int fd)
{
	if (control.kind == NULL)
		control_init(&control, queue.loop, &queue_control);
	control_listen(&control, fd);
}

void
ctl_stop(void)
{
	if (control.kind != NULL)
		control_close(&control);
}
