#include "lib/mail/limits.h"
#include "lib/mail/migrate.h"

static const struct msg_field f_job[] = {
	{ "host", MGF_HOST, MSG_TEXT, 0, DOMAIN_MAX },
	{ "security", MGF_SECURITY, MSG_U32, 0, 0 },
	{ "login", MGF_LOGIN, MSG_TEXT, 0, 2 * ADDRESS_MAX },
	{ "password", MGF_PASSWORD, MSG_TEXT, 0, PASSWORD_MAX },
	{ "flags", MGF_FLAGS, MSG_U32, 0, 0 }, { 0 }
};
static const struct msg_field f_mailbox[] = {
	{ "name", MGF_NAME, MSG_TEXT, 0, MG_NAME_MAX },
	{ "brought", MGF_DONE, MSG_U64, 0, 0 },
	{ "octets", MGF_SIZE, MSG_U64, 0, 0 },
	{ "changed", MGF_CHANGED, MSG_U64, 0, 0 },
	{ "gone", MGF_GONE, MSG_U64, 0, 0 },
	{ "left", MGF_LEFT, MSG_U64, 0, 0 },
	{ "words", MGF_WORDS, MSG_TEXT, 1, MG_WORDS_MAX }, { 0 }
};
static const struct msg_field f_skipped[] = {
	{ "name", MGF_NAME, MSG_TEXT, 0, MG_NAME_MAX },
	{ "uid", MGF_UID, MSG_U32, 0, 0 },
	{ "words", MGF_WORDS, MSG_TEXT, 0, MG_WORDS_MAX }, { 0 }
};
static const struct msg_field f_progress[] = {
	{ "name", MGF_NAME, MSG_TEXT, 0, MG_NAME_MAX },
	{ "done", MGF_DONE, MSG_U64, 0, 0 },
	{ "total", MGF_TOTAL, MSG_U64, 0, 0 }, { 0 }
};
static const struct msg_field f_end[] = {
	{ "status", MGF_STATUS, MSG_U32, 0, 0 },
	{ "words", MGF_WORDS, MSG_TEXT, 0, MG_WORDS_MAX }, { 0 }
};

#define CTL	PEER_BIT(PEER_CTL)
#define WORKER	PEER_BIT(PEER_MIGRATE)
static const struct msg_desc m_table[] = {
	[MG_JOB] = { "JOB", CTL, 2, 3, f_job },
	[MG_MAILBOX] = { "MAILBOX", WORKER, 0, 0, f_mailbox },
	[MG_SKIPPED] = { "SKIPPED", WORKER, 0, 0, f_skipped },
	[MG_PROGRESS] = { "PROGRESS", WORKER, 0, 0, f_progress },
	[MG_END] = { "END", WORKER, 0, 0, f_end },
};
const struct msg_proto proto_migrate = MSG_PROTO("migrate", m_table);
