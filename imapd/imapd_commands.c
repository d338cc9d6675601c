#include "imapd/imapd_commands.h"

#define TABLE(name) imapd_cmd_##name,

const struct imapd_command *const imapd_commands[] = {
	IMAPD_FAMILIES(TABLE)
	NULL
};
