/* Records and files of messages, as an earlier run of queue left them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "queue/queue_envelope.h"
#include "queue/queue_record.h"
#include "queue/queue_table.h"
#include "tests/queue/rig.h"

enum { FILL_BATCH = 10000 };	/* messages in a transaction */

struct fill {
	struct rig *r;
	const struct rig_fill *f;
};

static void
pack(const struct rig_fill *f, struct buf *env, struct buf *sched)
{
	size_t i, n = f->recipients > 0 ? f->recipients : 1;
	struct recipient *to = mem_zalloc(n, sizeof(*to));
	struct envelope e = { .time = f->time, .length = 1,
		.sender = f->from, .client = "", .login = "", .envid = "",
		.account = "", .uidl = "", .rcpt = to, .n_rcpt = n };
	struct schedule s = { .next = (uint64_t)f->next,
		.attempts = f->attempts };
	char *address = mem_zalloc(n, ADDRESS_MAX);

	for (i = 0; i < n; i++) {
		to[i].orcpt = "";
		to[i].address = address + i * ADDRESS_MAX;
		snprintf(address + i * ADDRESS_MAX, ADDRESS_MAX, "u%zu@%s", i,
		    f->domain);
	}
	if (envelope_pack(&e, env) == -1 || schedule_pack(&s, sched) == -1)
		log_fatal("rig: fill");
	free(address);
	free(to);
}

static void
put(const struct rig_fill *f, int dir)
{
	struct buf env = BUF_INIT(0), sched = BUF_INIT(0);
	char name[QUEUE_ID_LEN + 1];
	unsigned i;

	pack(f, &env, &sched);
	for (i = 1; i <= f->n; i++) {
		if (i % FILL_BATCH == 1)
			table_begin();
		table_put(i, RECORD_ENVELOPE, 0, env.data, env.len);
		table_put(i, RECORD_SCHEDULE, 0, sched.data, sched.len);
		snprintf(name, sizeof(name), "%016x", i);
		if (i != f->missing)
			close(openat(dir, name, O_CREAT | O_WRONLY, 0660));
		if ((i % FILL_BATCH == 0 || i == f->n) &&
		    table_commit(COMMIT_WRITTEN) == -1)
			log_fatal("rig: fill");
	}
	buf_clear(&env);
	buf_clear(&sched);
}

static void
fill_run(void *arg)
{
	const struct fill *f = arg;
	struct buf path = BUF_INIT(0), why = BUF_INIT(300);
	int dir;

	buf_printf(&path, "%s/spool/queue/body", f->r->dir);
	if ((mkdir(buf_str(&path), 0770) == -1 && errno != EEXIST) ||
	    (dir = open(buf_str(&path), O_RDONLY)) == -1)
		log_fatal("rig: %s", buf_str(&path));
	buf_set(&path, "%s/spool/queue/db", f->r->dir);
	if (table_open(buf_str(&path), &why) != 0)
		log_fatal("rig: %s", buf_str(&why));
	put(f->f, dir);
	table_close();
	close(dir);
	buf_clear(&path);
	buf_clear(&why);
}

void
rig_fill(struct rig *r, const struct rig_fill *f)
{
	struct fill arg = { r, f };

	rig_as_queue(fill_run, &arg);
}
