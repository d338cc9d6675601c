/*
 * CAPABILITY, NOOP, CHECK, LOGOUT, IDLE, NAMESPACE, ID, ENABLE,
 * COMPRESS; and what belongs before the login.
 */
#include <string.h>

#include "lib/base/log.h"
#include "lib/mail/imap_capability.h"

#include "imapd/imapd_commands.h"
#include "imapd/imapd_reply.h"

static enum imapd_run
capability_run(struct imapd_session *s, const struct imapd_arg *args,
    size_t n)
{
	buf_puts(&s->out, "* CAPABILITY " IMAP_CAPABILITY "\r\n");
	return imapd_ok(s, "CAPABILITY completed");
}

static enum imapd_run
noop_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	return imapd_ok(s, "%s completed", s->cmd->name);
}

static enum imapd_run
logout_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	imapd_session_bye(s, "Logging out");
	return imapd_ok(s, "LOGOUT completed");
}

static enum imapd_run
idle_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	/* First the continuation: clients break where anything comes before it.
	   What a step has no room for comes while it idles. */
	buf_puts(&s->out, "+ idling\r\n");
	s->idle = 1;
	if (s->view != NULL)
		(void)imapd_view_sync(s, 1);
	imapd_view_takes(s, 1);
	return IMAPD_DONE;
}

/* One personal namespace, no others yet (RFC 2342). */
static enum imapd_run
namespace_run(struct imapd_session *s, const struct imapd_arg *args,
    size_t n)
{
	buf_puts(&s->out, "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
	return imapd_ok(s, "NAMESPACE completed");
}

/* What the client says of itself is for the log, in debug lines. */
static enum imapd_run
id_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	const struct imapd_arg *a = args, *key = NULL;
	size_t i;

	if (a->type != IMAPD_LIST && !imapd_arg_is(a, "NIL"))
		return imapd_bad(s, "ID: a list or NIL is expected");
	/* "no more than 30 field-value pairs" (RFC 2971 3.3) */
	if (a->type == IMAPD_LIST && (a->len > 60 || a->len % 2 != 0))
		return imapd_bad(s, "ID: wrong list");
	for (i = 0, key = args + 1; a->type == IMAPD_LIST && i < a->len; i++,
	    key = imapd_arg_next(key)) {
		if (key->type == IMAPD_LIST || key->len > 1024)
			return imapd_bad(s, "ID: wrong list");
		log_debug("%s: id %.*s", s->remote,
		    key->len > 100 ? 100 : (int)key->len, key->p);
	}
	buf_puts(&s->out, "* ID " IMAP_ID "\r\n");
	return imapd_ok(s, "ID completed");
}

/* enabled-data = "ENABLED" *(SP capability) (RFC 5161) */
static enum imapd_run
enable_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	const struct imapd_arg *a = args;
	int condstore = 0, qresync = 0;

	for (; n > 0; n--, a = imapd_arg_next(a)) {
		if (a->type != IMAPD_ATOM)
			return imapd_bad(s, "ENABLE: an atom is expected");
		condstore |= imapd_arg_is(a, "CONDSTORE");
		qresync |= imapd_arg_is(a, "QRESYNC");
	}
	buf_printf(&s->out, "* ENABLED%s%s\r\n", condstore ? " CONDSTORE" :
	    "", qresync ? " QRESYNC" : "");
	/* "All protocol changes and requirements specified for the CONDSTORE
	   extension are also a part of the QRESYNC extension." */
	if (condstore || qresync)
		imapd_condstore(s);
	s->qresync |= qresync != 0;
	return imapd_ok(s, "ENABLE completed");
}

/*
 * "The server MUST compress starting immediately after the CRLF which ends the
 * tagged OK response", the client from its next command on (RFC 4978 3): so
 * what stands behind COMPRESS is compressed, also where it came early.
 */
static enum imapd_run
compress_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	const char *p;
	size_t len;

	if (!imapd_arg_is(args, "DEFLATE"))
		return imapd_bad(s, "COMPRESS: DEFLATE is the one way");
	if (s->zip != NULL)
		return imapd_no(s, "[COMPRESSIONACTIVE] DEFLATE is active "
		    "already");
	imapd_ok(s, "COMPRESS begins");
	s->plain = s->out.len - s->out_done;
	s->zip = imapd_zip_new();
	p = imapd_input_cut(&s->in, &len);
	imapd_zip_got(s->zip, p, len);
	return IMAPD_DONE;
}

static enum imapd_run
login_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	return imapd_bad(s, "You are logged in");
}

const struct imapd_command imapd_cmd_session[] = {
	{ .name = "NOOP", .run = noop_run, .states = IMAPD_ANY,
	    .flags = IMAPD_EVENTS },
	{ .name = "IDLE", .capability = "IDLE",
	    .run = idle_run, .states = IMAPD_ANY, .flags = IMAPD_EVENTS },
	{ .name = "CAPABILITY", .run = capability_run, .states = IMAPD_ANY },
	{ .name = "CHECK", .run = noop_run, .states = IMAPD_SELECTED,
	    .flags = IMAPD_EVENTS },
	{ .name = "LOGOUT", .run = logout_run, .states = IMAPD_ANY,
	    .flags = IMAPD_NO_SYNC },
	{ .name = "NAMESPACE", .capability = "NAMESPACE",
	    .run = namespace_run, .states = IMAPD_ANY },
	{ .name = "ID", .run = id_run, .states = IMAPD_ANY, .min_args = 1,
	    .max_args = 1 },
	{ .name = "ENABLE", .capability = "QRESYNC", .run = enable_run, .states = IMAPD_ANY,
	    .min_args = 1, .max_args = 100 },
	{ .name = "COMPRESS", .capability = "COMPRESS=DEFLATE",
	    .run = compress_run, .states = IMAPD_ANY,
	    .flags = IMAPD_NO_SYNC, .min_args = 1, .max_args = 1 },
	{ .name = "LOGIN", .run = login_run, .states = IMAPD_ANY,
	    .max_args = 100 },
	{ .name = "AUTHENTICATE", .run = login_run, .states = IMAPD_ANY,
	    .max_args = 100 },
	{ .name = "STARTTLS", .run = login_run, .states = IMAPD_ANY,
	    .max_args = 100 },
	{ .name = NULL }
};
