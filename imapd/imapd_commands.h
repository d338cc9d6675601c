/*
 * The command families; imapd_commands.c lists them. Each array ends with
 * .name NULL.
 */
#ifndef IMAPD_IMAPD_COMMANDS_H
#define IMAPD_IMAPD_COMMANDS_H

#include "imapd/imapd_session.h"

extern const struct imapd_command imapd_cmd_session[];
extern const struct imapd_command imapd_cmd_select[];
extern const struct imapd_command imapd_cmd_mailbox[];
extern const struct imapd_command imapd_cmd_list[];
extern const struct imapd_command imapd_cmd_append[];
extern const struct imapd_command imapd_cmd_fetch[];
extern const struct imapd_command imapd_cmd_search[];
extern const struct imapd_command imapd_cmd_store[];
extern const struct imapd_command imapd_cmd_copy[];

#endif
