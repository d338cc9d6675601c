/*
 * GETQUOTA, GETQUOTAROOT (RFC 9208). A user has the quota root "", over all
 * mailboxes; what has no limit is not listed. Where the domain's accounts have
 * limits together these are the quota root "@domain". The limits are the
 * operator's: SETQUOTA is refused, and QUOTASET not announced.
 */
#include <string.h>

#include "imapd/imapd_commands.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_reply.h"

enum { QUOTA_UNIT = 1024 };	/* octets of STORAGE */

static void
put_quota(struct imapd_session *s, const char *domain,
    const struct door_usage *u)
{
	buf_printf(&s->out, "* QUOTA \"%s%s\" (", domain[0] != '\0' ? "@" : "",
	    domain);
	if (u->size_max > 0)
		buf_printf(&s->out, "STORAGE %llu %llu%s", (unsigned long long)
		    (u->size / QUOTA_UNIT + (u->size % QUOTA_UNIT > 0)),
		    (unsigned long long)(u->size_max / QUOTA_UNIT),
		    u->count_max > 0 ? " " : "");
	if (u->count_max > 0)
		buf_printf(&s->out, "MESSAGE %llu %llu",
		    (unsigned long long)u->count,
		    (unsigned long long)u->count_max);
	buf_puts(&s->out, ")\r\n");
}

static int
is_domain(const struct door_quotas *q, const struct imapd_arg *arg)
{
	return q->name[0] != '\0' && arg->len == strlen(q->name) + 1 &&
	    arg->p[0] == '@' && memcmp(arg->p + 1, q->name, arg->len - 1) == 0;
}

static enum imapd_run
getquota_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	struct door_quotas q;

	if (!imapd_arg_is_string(args))
		return imapd_bad(s, "GETQUOTA: a quota root is expected");
	if (door_quotas(&imapd_door, &q) == -1)
		return imapd_door_no(s);
	if (args->len > 0 && !is_domain(&q, args))
		return imapd_no(s, "[NONEXISTENT] There is no such quota root");
	if (args->len == 0)
		put_quota(s, "", &q.user);
	else
		put_quota(s, q.name, &q.domain);
	return imapd_ok(s, "GETQUOTA completed");
}

/* "the mailbox name doesn't have to reference an existing mailbox" */
static enum imapd_run
getquotaroot_run(struct imapd_session *s, const struct imapd_arg *args,
    size_t n)
{
	struct door_quotas q;
	struct buf name;

	if (imapd_names_arg(s, args, &name) == -1)
		return IMAPD_DONE;
	if (door_quotas(&imapd_door, &q) == -1) {
		buf_clear(&name);
		return imapd_door_no(s);
	}
	buf_puts(&s->out, "* QUOTAROOT ");
	imapd_names_put(&s->out, buf_str(&name), name.len);
	buf_puts(&s->out, " \"\"");
	if (q.name[0] != '\0')
		buf_printf(&s->out, " \"@%s\"", q.name);
	buf_puts(&s->out, "\r\n");
	buf_clear(&name);
	put_quota(s, "", &q.user);
	if (q.name[0] != '\0')
		put_quota(s, q.name, &q.domain);
	return imapd_ok(s, "GETQUOTAROOT completed");
}

static enum imapd_run
setquota_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	return imapd_no(s, "[NOPERM] The operator sets the quota");
}

const struct imapd_command imapd_cmd_quota[] = {
	{ .name = "GETQUOTA",
	    .capability = "QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE",
	    .run = getquota_run, .states = IMAPD_ANY, .min_args = 1,
	    .max_args = 1 },
	{ .name = "GETQUOTAROOT", .run = getquotaroot_run,
	    .states = IMAPD_ANY, .min_args = 1, .max_args = 1 },
	{ .name = "SETQUOTA", .run = setquota_run, .states = IMAPD_ANY,
	    .min_args = 2, .max_args = 2 },
	{ .name = NULL }
};
