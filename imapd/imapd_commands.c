#include "imapd/imapd_commands.h"

/* The busiest first: a name is looked for in this order. */
const struct imapd_command *const imapd_commands[] = {
	imapd_cmd_fetch,
	imapd_cmd_store,
	imapd_cmd_search,
	imapd_cmd_session,
	imapd_cmd_select,
	imapd_cmd_append,
	imapd_cmd_copy,
	imapd_cmd_list,
	imapd_cmd_mailbox,
	NULL
};
