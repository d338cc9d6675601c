/*
 * GETQUOTA, GETQUOTAROOT (RFC 9208). A user has one quota root, "", over all
 * mailboxes; what has no limit is not listed. The limits are the operator's:
 * SETQUOTA is refused, and QUOTASET not announced.
 */
#include <string.h>

#include "imapd/imapd_commands.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_reply.h"

enum { QUOTA_UNIT = 1024 };	/* octets of STORAGE */

/* "* QUOTA": 0, or -1 (imapd_door says why). */
static int
put_quota(struct imapd_session *s)
{
	uint64_t size, size_max, count, count_max;

	if (door_quota(&imapd_door, &size, &size_max, &count,
	    &count_max) == -1)
		return -1;
	buf_puts(&s->out, "* QUOTA \"\" (");
	if (size_max > 0)
		buf_printf(&s->out, "STORAGE %llu %llu%s",
		    (unsigned long long)((size + QUOTA_UNIT - 1) / QUOTA_UNIT),
		    (unsigned long long)(size_max / QUOTA_UNIT),
		    count_max > 0 ? " " : "");
	if (count_max > 0)
		buf_printf(&s->out, "MESSAGE %llu %llu",
		    (unsigned long long)count, (unsigned long long)count_max);
	buf_puts(&s->out, ")\r\n");
	return 0;
}

static enum imapd_run
getquota_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	if (!imapd_arg_is_string(args))
		return imapd_bad(s, "GETQUOTA: a quota root is expected");
	if (args->len > 0)
		return imapd_no(s, "[NONEXISTENT] There is no such quota root");
	if (put_quota(s) == -1)
		return imapd_door_no(s);
	return imapd_ok(s, "GETQUOTA completed");
}

/* "the mailbox name doesn't have to reference an existing mailbox" */
static enum imapd_run
getquotaroot_run(struct imapd_session *s, const struct imapd_arg *args,
    size_t n)
{
	struct buf name;

	if (imapd_names_arg(s, args, &name) == -1)
		return IMAPD_DONE;
	buf_puts(&s->out, "* QUOTAROOT ");
	imapd_names_put(&s->out, buf_str(&name), name.len);
	buf_puts(&s->out, " \"\"\r\n");
	buf_clear(&name);
	if (put_quota(s) == -1)
		return imapd_door_no(s);
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
