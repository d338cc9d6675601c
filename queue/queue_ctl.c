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

/* The next messages of a command about all of them. */
static void
command_slice(struct control_client *cc)
{
	struct queue_ctl *c = (struct queue_ctl *)cc;
	struct buf words = BUF_INIT(200);
	struct chunk k = { .n = 0 };
	struct entry *e;
	size_t i;
	int r;

	r = table_walk(c->at, chunk_each, &k);
	for (i = 0; i < k.n && !control_behind(cc); i++) {
		c->at = k.id[i] + 1;
		if ((e = ctl_find(k.id[i])) == NULL)
			continue;
		if (command_find(cc->command)->one(c, e, &words) == 0)
			c->done++;
	}
	if (r != 1 && i == k.n) {
		buf_set(&words, "%u messages", c->done);
		control_end(cc, r == 0 ? C_OK : C_BUSY, r == 0 ?
		    buf_str(&words) : "the table cannot be read");
	}
	buf_clear(&words);
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
	else if (cmd->one(c, e, &why) == -1)
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
		c->at = 1;
		c->done = 0;
		control_slices(cc);
	}
}

static const struct control_kind queue_control = {
	.size = sizeof(struct queue_ctl),
	.command = command_begin,
	.slice = command_slice,
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
