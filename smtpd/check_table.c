#include "smtpd/smtpd_check.h"

const struct smtp_check smtp_checks[] = {
	{ .name = "crowd", .at = { [STAGE_CONNECT] = check_crowd } },
	{ .name = "names", .at = { [STAGE_CONNECT] = check_names } },
	{ .name = "early", .at = { [STAGE_CONNECT] = check_early } },
	{ .name = "helo", .at = { [STAGE_HELO] = check_helo } },
	{ .name = "sender", .at = { [STAGE_MAIL] = check_sender } },
	{ .name = "recipient", .at = { [STAGE_RCPT] = check_recipient } },
	{ .name = "header", .at = { [STAGE_HEADER] = check_header } },
	{ .name = "from", .at = { [STAGE_HEADER] = check_from } },
	/* Last: nothing that is turned away is signed. */
	{ .name = "sign", .at = { [STAGE_HEADER] = check_sign_header,
	    [STAGE_BODY] = check_sign_body, [STAGE_END] = check_sign_end } },
	{ .name = NULL }
};
