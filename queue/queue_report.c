#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/mime_encode.h"
#include "queue/queue_body.h"
#include "queue/queue_bounce.h"
#include "queue/queue_commit.h"
#include "queue/queue_message.h"
#include "queue/queue_notify.h"
#include "queue/queue_report.h"
#include "queue/queue_sign.h"

struct report {
	struct task task;
	TAILQ_ENTRY(report) in_line;
	struct message *about;
	void	(*done)(struct message *about, int told);
	uint64_t id;
	int	 fd, error;
	uint32_t forward, final;
	/* For the lane: nothing of about changes meanwhile. */
	struct bounce bounce;
	char	 name[QUEUE_ID_LEN + 1], about_name[QUEUE_ID_LEN + 1];
	int	 original;	/* its body; -1: it cannot be read */
	int	 whole, eight;	/* all of it is returned; with octets over 0x7f */
	uint64_t length;
	uint32_t crc;
	struct report_keys keys;
	struct buf text, unsigned_why;
};

enum { TARGETS = 500 };	/* that bounces of a turn are about, or one more */

static TAILQ_HEAD(, report) line = TAILQ_HEAD_INITIALIZER(line);
static unsigned n_line, n_writing;

/* Marks what nobody is to be told of. */
static size_t
report_silence(struct message *m)
{
	struct target *t;
	size_t i, n = 0;
	int null = m->env.sender[0] == '\0';

	for (i = 0; i < m->targets.n; i++) {
		t = &m->targets.t[i];
		if (t->state != TARGET_REFUSED || notify_failure(m, t)) {
			n += (size_t)target_owed(t);
			continue;
		}
		message_log_target(m, t, null ? "dropped, null sender:" :
		    "not reported, as asked:");
		t->state = TARGET_REPORTED;
		t->unsaved = 1;
	}
	return n;
}

/*
 * Appends the original, read into data. A report whose octets over 0x7f could
 * be in no 7-bit encoding might not reach the sender: it has the header alone.
 */
static void
report_original(struct report *r, struct buf *data)
{
	const struct envelope *e = &r->about->env;
	size_t want = r->whole ? e->length - e->final : BOUNCE_HEADER_MAX + 4;
	struct buf seven = BUF_INIT(0);
	const char *why;
	ssize_t n = -1;

	if (r->original != -1 && buf_reserve(data, want) == 0)
		n = pread(r->original, data->data, want, e->final);
	data->len = n > 0 ? (size_t)n : 0;
	if (data->len < want)
		r->whole = 0;
	r->eight = r->whole && (e->flags & Q_8BIT);
	if (r->eight && seven_put(data->data, data->len, &seven, &why) == -1)
		r->whole = r->eight = 0;
	buf_clear(&seven);
	if (r->whole)
		bounce_whole(&r->bounce, data->data, data->len, &r->text);
	else
		bounce_header(&r->bounce, buf_str(data), data->len, &r->text);
}

/* Lane: the same order as for every message: write, sync, close. */
static void
report_write(struct task *t)
{
	struct report *r = (struct report *)t;
	struct buf data = BUF_INIT(0);

	report_original(r, &data);
	buf_clear(&data);
	fd_close(&r->original);
	(void)!report_sign(&r->keys, &r->text, r->final, &r->unsigned_why);
	r->length = r->text.len;
	r->crc = crc32c(0, r->text.data, r->text.len);
	r->error = 0;
	if (fd_write_all(r->fd, r->text.data, r->text.len) == -1 ||
	    fd_sync(r->fd) == -1)
		r->error = errno;
	if (fd_close(&r->fd) == -1 && r->error == 0)
		r->error = errno;
	buf_clear(&r->text);
}

static struct message *
report_message(const struct report *r)
{
	struct message *m = message_new(r->id);
	const char *to = r->bounce.to;
	struct envelope *e = &m->env;

	envelope_init(e);
	e->time = (uint64_t)queue_now();
	e->length = r->length;
	e->crc = r->crc;
	e->flags = r->eight ? Q_8BIT : 0;
	e->forward = r->forward;
	e->final = r->final;
	e->arena = mem_strdup(to);
	e->origin = Q_ORIGIN_REPORT;
	e->client = "local";
	e->rcpt = mem_zalloc(1, sizeof(*e->rcpt));
	e->rcpt->address = e->arena;
	e->rcpt->orcpt = "";
	/* RFC 3461 6.1: no report comes of a report. */
	e->rcpt->notify = Q_NOTIFY_NEVER;
	e->n_rcpt = 1;
	return m;
}

static void
report_end(struct report *r, int told)
{
	struct message *m = r->about;
	size_t i;

	for (i = 0; told && i < m->targets.n; i++)
		if (target_tells(&m->env, &m->targets.t[i], r->bounce.to) &&
		    target_told(&m->targets.t[i]))
			m->targets.t[i].unsaved = 0;
	if (told) {
		/* The transaction wrote targets and results of m. */
		m->targets_stored = 1;
		m->entry->stored = 1;
		queue.reported++;
	}
	m->reporting = 0;
	r->done(m, told);
	free(r);
	n_writing--;
}

static void
report_submitted(const struct submission *s, int durable)
{
	report_end(s->from, durable);
}

static void
report_written(struct task *t)
{
	struct report *r = (struct report *)t;
	char id[QUEUE_ID_LEN + 1];

	queue_id_text(r->about->id, id);
	if (r->unsigned_why.len > 0)
		log_warn("%016llx: goes without a DKIM signature: signer: %s",
		    (unsigned long long)r->id, buf_str(&r->unsigned_why));
	buf_clear(&r->unsigned_why);
	if (r->error == 0) {
		log_info("%s: %s told by %016llx", id, r->bounce.to ==
		    r->about->env.sender ? "sender" : "owner",
		    (unsigned long long)r->id);
		commit_submit(&(struct submission){ .m = report_message(r),
		    .about = r->about, .from = r, .done = report_submitted });
		return;
	}
	log_warn("%s: bounce not written: %s", id, strerror(r->error));
	body_drop(r->id);
	report_end(r, 0);
}

/* The first to whom something is owed: there is one. */
static const char *
addressee(const struct message *m)
{
	size_t i;

	for (i = 0; i + 1 < m->targets.n; i++)
		if (target_owed(&m->targets.t[i]))
			break;
	return target_sender(&m->env, &m->targets.t[i]);
}

static void
report_text(struct report *r)
{
	struct bounce *b = &r->bounce;

	*b = (struct bounce){ .id = r->name, .about = r->about_name,
	    .hostname = queue.hostname, .now = queue_now(),
	    .until = (int64_t)(r->about->env.time + queue.conf.lifetime),
	    .env = &r->about->env, .to = addressee(r->about),
	    .targets = &r->about->targets };
	if (getrandom(&b->boundary, sizeof(b->boundary), 0) == -1)
		b->boundary = r->id;
	queue_id_text(r->id, r->name);
	queue_id_text(r->about->id, r->about_name);
	bounce_text(b, &r->text, &r->forward, &r->final);
	r->whole = bounce_is_whole(b);
	r->original = body_open(r->about->id);
	report_keys_find(&r->keys);
}

int
report_begin(struct message *m, void (*done)(struct message *m, int told))
{
	struct report *r;

	if (report_silence(m) == 0)
		return 0;
	if (n_line >= REPORT_LINE)
		return -1;
	r = mem_zalloc(1, sizeof(*r));
	buf_init(&r->text, BOUNCE_MAX + BOUNCE_WHOLE_MAX);
	buf_init(&r->unsigned_why, 500);
	r->original = -1;
	r->about = m;
	r->done = done;
	m->reporting = 1;
	TAILQ_INSERT_TAIL(&line, r, in_line);
	n_line++;
	return 1;
}

/* 0; -1: there is no blank file for it now. */
static int
report_next(struct report *r)
{
	/* The operator has deleted what it would be about. */
	int drop = r->about->drop;

	if (!drop && body_take_spare(&r->id, &r->fd) == -1)
		return -1;
	TAILQ_REMOVE(&line, r, in_line);
	n_line--;
	n_writing++;
	if (drop) {
		report_end(r, 0);
		return 0;
	}
	report_text(r);
	r->task.run = report_write;
	r->task.done = report_written;
	lane_put(queue.reports, &r->task);
	return 0;
}

void
report_turn(void)
{
	struct report *r;
	size_t n = 0, more;

	/* On a full disk they wait: the room that is left is for deliveries. */
	while (!queue.stopping && n_writing < REPORT_WRITING && body_room() &&
	    n < TARGETS && (r = TAILQ_FIRST(&line)) != NULL) {
		more = r->about->targets.n;
		if (report_next(r) == -1)
			break;
		n += more;
	}
	queue.more |= n >= TARGETS;
}

int
report_behind(void)
{
	return n_line >= REPORT_LINE / 2 && body_room() && !body_failing();
}
