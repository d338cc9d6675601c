/*
 * DATA: the message, its way to the disk, and the one reply that makes it
 * ours. Only after queue's word that the record is durable is it 250.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/link/submit.h"
#include "lib/mail/notes.h"
#include "lib/mail/proto.h"
#include "smtpd/smtpd_body.h"
#include "smtpd/smtpd_check.h"
#include "smtpd/smtpd_command.h"
#include "smtpd/smtpd_scan.h"

/*
 * Waits for more of a message of which `seen` octets came since start.
 * data_time for each wait, and data_rate over all, so that a trickle ends; a
 * trickle is no progress either.
 */
static enum stream_status
wait_data(struct smtp_session *s, int64_t start, uint64_t seen)
{
	int64_t wait = (int64_t)smtpd.conf.data_time * 1000, end;
	int64_t now = clock_mono_ms(), owed;

	owed = start + (int64_t)(seen * 1000 / smtpd.conf.data_rate);
	s->progress = owed < now ? start : now;
	if (server_ending(0))
		wait = SMTP_STOP_MS;
	end = owed + wait - now;
	stream_deadline(&s->io, end < 0 ? 0 : end < wait ? end : wait);
	return smtp_wait(s, 0, NULL, NULL);
}

/*
 * Reads up to the end of data. Octets: a refused message is read to its end,
 * but not for ever. 0, or -1 where the connection is over.
 */
static int
receive(struct smtp_session *s, struct smtp_scan *scan, struct smtp_body *b)
{
	int64_t start = clock_mono_ms();
	uint64_t seen = 0;
	char *p;
	size_t n, took;

	for (;;) {
		n = stream_peek(&s->io, &p);
		took = scan_data(scan, p, n, n == STREAM_IN_SIZE);
		stream_take(&s->io, took);
		seen += took;
		if (scan->bare)
			body_refuse(b, BODY_BARE);
		if (scan->huge_line && !smtpd_is_ours(s))
			body_refuse(b, BODY_LINE);
		if (scan->done)
			return 0;
		if (seen / 2 > smtpd.conf.message_size + BODY_MEMORY)
			return -1;
		if (wait_data(s, start, seen) != STREAM_OK)
			return -1;
	}
}

/*
 * A reply of queue or of the disk: "4.3.1 words". The code goes with the
 * status.
 */
static void
reply_words(struct smtp_session *s, int never, const struct buf *words)
{
	const char *p = buf_str(words), *text;
	char status[12];
	size_t n = strspn(p, "0123456789.");

	if (n < 5 || n >= sizeof(status) || p[n] != ' ' ||
	    *p != (never ? '5' : '4')) {
		smtp_reply(s, never ? 554 : 451, never ? "5.3.0" : "4.3.0",
		    "%.200s", p);
		return;
	}
	memcpy(status, p, n);
	status[n] = '\0';
	for (text = p + n; *text == ' ';)
		text++;
	smtp_reply(s, never ? 554 : strcmp(status, "4.3.1") == 0 ? 452 : 451,
	    status, "%.200s", text);
}

static void
submit(struct smtp_session *s, const struct smtp_body *b, const char *id)
{
	struct buf words = BUF_INIT(RESULT_WORDS_MAX + 1);
	struct buf notes = BUF_INIT(NOTES_MAX);
	char client[HELO_MAX + sizeof(s->ip) + 4];
	const struct submit_envelope e = { .sender = s->env.sender,
		.recipients = &s->env.recipients, .client = client,
		.login = s->login, .origin = (uint32_t)s->service,
		.options = &s->env.options, .notes = &notes,
		.message_id = b->message_id };
	enum submit_result r;

	snprintf(client, sizeof(client), "%s [%s]", s->helo, s->ip);
	smtp_check_notes(s, &notes);
	r = submit_send(&e, &b->w, &words);
	buf_clear(&notes);
	if (r == SUBMIT_DONE) {
		/* Errors fall, but not so fast that a guesser gains by it. */
		s->junk = 0;
		s->errors /= 2;
		/* Queue's own line names the message. */
		log_debug("%s: from=<%s> to=<%s> recipients=%u size=%" PRIu64
		    " client=%s [%s]%s%s", id, s->env.sender, s->env.first,
		    s->env.n, b->w.length, s->helo, s->ip,
		    s->login[0] != '\0' ? " login=" : "", s->login);
		smtp_reply(s, 250, "2.0.0", "queued as %s", id);
	} else {
		log_warn("%s: queue: %s", id, buf_str(&words));
		reply_words(s, r == SUBMIT_NEVER, &words);
	}
	buf_clear(&words);
}

/* The message has no end that we wait for: nothing is a command any more. */
static void
receive_failed(struct smtp_session *s, struct smtp_body *b)
{
	struct smtp_refusal r = body_refusal(BODY_SIZE);

	body_abandon(b);
	if (s->closing)
		return;
	if (s->io.end == STREAM_OK)
		smtp_end(s, r.code, r.status, r.words);
	else
		smtp_silent(s);
}

static void
take_message(struct smtp_session *s, int fd, const char *file_id)
{
	char id[QUEUE_ID_LEN + 1];
	struct smtp_scan scan = { .put = body_put };
	struct smtp_body b;

	/* The next file's name may stand there by the time of the reply. */
	str_copy(id, sizeof(id), file_id);
	body_init(&b, s, fd, id);
	scan.arg = &b;
	scan.mend = smtpd_is_ours(s) || s->normalize;
	smtp_reply(s, 354, "", "end with a line that is a dot");
	if (receive(s, &scan, &b) == -1) {
		log_info("client %s [%s]: lost within the message: %s",
		    s->helo, s->ip, stream_words(&s->io));
		receive_failed(s, &b);
		return;
	}
	b.w.flags = scan.eight_bit ? Q_8BIT : 0;
	b.long_line = scan.long_line;
	b.huge_line = scan.huge_line;
	body_finish(&b);
	if (b.refusal.code == 0) {
		submit(s, &b, id);
		return;
	}
	/* No queue id: the next message may have it. */
	log_info("client %s [%s]: from=<%s> to=<%s> refused: %s", s->helo,
	    s->ip, s->env.sender, s->env.first, b.refusal.words);
	smtp_refuse(s, &b.refusal);
}

/*
 * RFC 2920 3.1: DATA is the last of a group. What came together with it on
 * port 25 is from no mail server, or was smuggled behind a DATA of another. A
 * user's program is let be. Behind the final dot a new group may stand.
 */
static int
talks_early(struct smtp_session *s)
{
	return s->service == SERVICE_SMTP && stream_has_input(&s->io);
}

void
cmd_data(struct smtp_session *s, const struct smtp_args *a)
{
	struct buf words = BUF_INIT(RESULT_WORDS_MAX + 1);
	const char *id;
	int fd;

	if (s->state != SMTP_RCPT) {
		smtp_reply(s, 554, "5.5.1", "no recipient was accepted");
		smtp_refused_data(s);
		return;
	}
	if (talks_early(s)) {
		log_info("client %s: did not wait for 354", s->remote);
		smtp_end(s, 554, "5.5.0", "wait for 354");
		return;
	}
	if ((fd = submit_file(&id, &words)) == -1) {
		log_warn("client %s [%s]: no file: %s", s->helo, s->ip,
		    buf_str(&words));
		reply_words(s, 0, &words);
		smtp_refused_data(s);
	} else
		take_message(s, fd, id);
	buf_clear(&words);
	smtp_reset(s);
}
