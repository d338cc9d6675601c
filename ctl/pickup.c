#include "config.h"

#include <sys/random.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/ctl_control.h"
#include "ctl/pickup.h"
#include "ctl/pickup_report.h"
#include "ctl/sendmail_smtp.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

enum { REPORT_TRIES = 5 };	/* of a message that some have already */

/* One transaction. The exit status of sendmail; EX_TEMPFAIL: another time. */
static int
transaction(const struct pickup *p, struct sendmail *s,
    const struct buf *message)
{
	int r, fd = control_socket(p->state_dir, "submit");

	if (fd == -1)
		return EX_TEMPFAIL;
	s->hostname = p->hostname;
	r = sendmail_send(s, fd, message);
	return r == SENDMAIL_BUSY || r == SENDMAIL_GONE ? EX_TEMPFAIL : r;
}

/* Tells somebody what was refused. As transaction(). */
static int
report(const struct pickup *p, const struct drop *d,
    const struct buf *refusals, const char *to)
{
	struct buf message = BUF_INIT(0), more = BUF_INIT(0);
	char *list[1] = { NULL };
	struct sendmail s = { .to = list, .n_to = 1, .refusals = &more };
	uint64_t number = 0;
	int r = EX_UNAVAILABLE;

	if (to[0] != '\0') {
		if (getrandom(&number, sizeof(number), 0) != sizeof(number))
			log_fatal("getrandom: %s", strerror(errno));
		list[0] = strdup(to);
		pickup_report(d, refusals, p->hostname, to, number,
		    p->message_size, &message);
		r = transaction(p, &s, &message);
	}
	free(list[0]);
	buf_clear(&message);
	buf_clear(&more);
	return r;
}

/* RFC 3461 4.1: of a failure, where nothing else was said. */
static int
wants_report(const struct drop *d)
{
	return d->notify == 0 || (d->notify & Q_NOTIFY_FAILURE);
}

/*
 * Tells of it. What some recipients have is never sent once more: its report is
 * tried again here, or the file is set aside.
 */
static int
tell(const struct pickup *p, const struct drop *d, const struct buf *refusals,
    const char *to, int some_have)
{
	int r, tries = some_have ? REPORT_TRIES : 1;

	while ((r = report(p, d, refusals, to)) == EX_TEMPFAIL && --tries > 0)
		(void)poll(NULL, 0, p->wait_ms);
	return r == EX_TEMPFAIL && some_have ? EX_UNAVAILABLE : r;
}

static enum drop_status
send_message(const struct pickup *p, const struct drop *d, const char *name)
{
	struct buf refusals = BUF_INIT(0);
	const struct buf message = { .data = (char *)(uintptr_t)d->message,
		.len = d->len };
	struct sendmail s = { .to = d->to, .n_to = d->n_to, .notify = d->notify,
		.ret = d->ret, .refusals = &refusals };
	const char *to = d->sender[0] != '\0' ? d->sender : d->caller;
	int r, some_have;

	str_copy(s.sender, sizeof(s.sender), d->sender);
	if (d->envid != NULL)
		str_copy(s.envid, sizeof(s.envid), d->envid);
	r = transaction(p, &s, &message);
	some_have = r == 0;
	if (r == EX_UNAVAILABLE)
		to = d->caller;
	if (r != EX_TEMPFAIL && refusals.len > 0) {
		log_info("%s: refused: %.*s", name, (int)refusals.len - 1,
		    buf_str(&refusals));
		r = !wants_report(d) ? 0 :
		    tell(p, d, &refusals, to, some_have);
		if (r != 0 && some_have)
			log_warn("%s: the others have it, and nobody could be "
			    "told", name);
	}
	buf_clear(&refusals);
	if (r == 0)
		return DROP_SENT;
	return r == EX_TEMPFAIL ? DROP_LATER : DROP_BROKEN;
}

enum drop_status
pickup_send(const struct pickup *p, int fd, const char *name)
{
	struct buf file = BUF_INIT(DROP_SIZES * p->message_size +
	    2 * DROP_ENVELOPE_MAX);
	enum drop_status r = DROP_LATER;
	struct drop d = { .to = NULL };

	if (fd_slurp(fd, &file) == -1) {
		r = errno == EFBIG ? DROP_BROKEN : DROP_LATER;
		log_warn("%s: %s", name, strerror(errno));
		buf_clear(&file);
		return r;
	}
	switch (drop_unpack(file.data, file.len, &d)) {
	case DROP_WHOLE:
		r = send_message(p, &d, name);
		break;
	case DROP_CUT:
		r = DROP_PARTIAL;
		break;
	case DROP_DAMAGED:
		log_warn("%s: is damaged", name);
		r = DROP_BROKEN;
		break;
	case DROP_NEWER:
		log_warn("%s: was left by a newer version", name);
		break;
	}
	free(d.to);
	buf_clear(&file);
	return r;
}
