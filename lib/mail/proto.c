#include "lib/mail/dest_key.h"
#include "lib/mail/dkim.h"
#include "lib/mail/limits.h"
#include "lib/mail/notes.h"
#include "lib/mail/packed.h"
#include "lib/mail/proto.h"
#include "lib/mail/result.h"

enum {
	/* RECIPIENTS_MAX times address, ORCPT, lengths, notify: in a frame */
	PACKED_MAX = 900 * 1024,
	JOB_DSN_MAX = 64 * 1024,	/* 100 recipients, each with ORCPT_MAX */
	CLIENT_MAX = 600,
	NAME_MAX_DNS = 255,
};

#define COLLECT	PEER_BIT(PEER_COLLECT)
#define INTAKE	(PEER_BIT(PEER_SMTPD) | COLLECT)
#define QUEUE	PEER_BIT(PEER_QUEUE)

static const struct msg_field q_file_is[] = {
	{ "file", QF_FILE, MSG_TEXT, 0, QUEUE_ID_LEN }, { 0 }
};
static const struct msg_field q_submit[] = {
	{ "file", QF_FILE, MSG_TEXT, 0, QUEUE_ID_LEN },
	{ "sender", QF_SENDER, MSG_TEXT, 0, ADDRESS_MAX },
	{ "recipients", QF_RECIPIENTS, MSG_BYTES, 0, PACKED_MAX },
	{ "client", QF_CLIENT, MSG_TEXT, 0, CLIENT_MAX },
	{ "login", QF_LOGIN, MSG_TEXT, 1, ADDRESS_MAX },
	{ "time", QF_TIME, MSG_U64, 0, 0 },
	{ "length", QF_LENGTH, MSG_U64, 0, 0 },
	{ "crc", QF_CRC, MSG_U32, 0, 0 },
	{ "final", QF_FINAL, MSG_U32, 0, 0 },
	{ "forward", QF_FORWARD, MSG_U32, 0, 0 },
	{ "flags", QF_FLAGS, MSG_U32, 0, 0 },
	{ "envid", QF_ENVID, MSG_TEXT, 1, ENVID_MAX },
	{ "origin", QF_ORIGIN, MSG_U32, 1, 0 },
	{ "account", QF_ACCOUNT, MSG_TEXT, 1, ADDRESS_MAX },
	{ "uidl", QF_UIDL, MSG_TEXT, 1, UIDL_MAX },
	{ "ret", QF_RET, MSG_U32, 1, 0 },
	{ "body", QF_BODY, MSG_U32, 1, 0 },
	{ "notes", QF_NOTES, MSG_BYTES, 1, NOTES_MAX },
	{ "message_id", QF_MESSAGE_ID, MSG_TEXT, 1, MESSAGE_ID_MAX },
	{ 0 }
};
static const struct msg_field q_done[] = {
	{ "file", QF_FILE, MSG_TEXT, 1, QUEUE_ID_LEN },
	{ "row", QF_ROW, MSG_U32, 1, 0 }, { 0 }
};
static const struct msg_field q_rows[] = {
	{ "rows", QF_ROWS, MSG_BYTES, 0,
	    Q_ORIGINS_SLICE * PACKED_ORIGIN_MAX },
	{ "last", QF_LAST, MSG_U32, 1, 0 }, { 0 }
};
static const struct msg_field q_drop[] = {
	{ "rows", QF_ROWS, MSG_BYTES, 0, Q_ORIGINS_SLICE * 4 }, { 0 }
};
static const struct msg_field q_words[] = {
	{ "words", QF_WORDS, MSG_TEXT, 0, RESULT_WORDS_MAX }, { 0 }
};
static const struct msg_desc q_table[] = {
	[Q_FILE] = { "FILE", INTAKE, 0, 0, NULL },
	[Q_FILE_IS] = { "FILE_IS", QUEUE, 1, 1, q_file_is },
	[Q_SUBMIT] = { "SUBMIT", INTAKE, 0, 0, q_submit },
	[Q_DONE] = { "DONE", QUEUE, 0, 1, q_done },
	[Q_LATER] = { "LATER", QUEUE, 0, 0, q_words },
	[Q_NEVER] = { "NEVER", QUEUE, 0, 0, q_words },
	[Q_UNUSED] = { "UNUSED", COLLECT, 0, 0, q_file_is },
	[Q_ORIGINS] = { "ORIGINS", COLLECT, 0, 0, NULL },
	[Q_ORIGIN_ROWS] = { "ORIGIN_ROWS", QUEUE, 0, 0, q_rows },
	[Q_ORIGIN_DROP] = { "ORIGIN_DROP", COLLECT, 0, 0, q_drop },
};
const struct msg_proto proto_queue = MSG_PROTO("queue", q_table);

static const struct msg_field j_job[] = {
	{ "file", JF_FILE, MSG_TEXT, 0, QUEUE_ID_LEN },
	{ "sender", JF_SENDER, MSG_TEXT, 0, ADDRESS_MAX },
	{ "recipients", JF_RECIPIENTS, MSG_BYTES, 0, PACKED_MAX },
	{ "length", JF_LENGTH, MSG_U64, 0, 0 },
	{ "crc", JF_CRC, MSG_U32, 0, 0 },
	{ "offset", JF_OFFSET, MSG_U32, 0, 0 },
	{ "time", JF_TIME, MSG_U64, 0, 0 },
	{ "route", JF_ROUTE, MSG_TEXT, 1, DEST_ROUTE_MAX },
	{ "flags", JF_FLAGS, MSG_U32, 0, 0 },
	{ "login", JF_LOGIN, MSG_TEXT, 1, ADDRESS_MAX },
	{ "credential", JF_CREDENTIAL, MSG_TEXT, 1, DEST_CREDENTIAL_MAX },
	{ "tls", JF_TLS, MSG_U32, 1, 0 },
	{ "envid", JF_ENVID, MSG_TEXT, 1, ENVID_MAX },
	{ "ret", JF_RET, MSG_U32, 1, 0 },
	{ "rcpt_dsn", JF_RCPT_DSN, MSG_BYTES, 1, JOB_DSN_MAX },
	{ "body", JF_BODY, MSG_U32, 1, 0 },
	{ "origin", JF_ORIGIN, MSG_U32, 1, 0 },
	{ "account", JF_ACCOUNT, MSG_TEXT, 1, ADDRESS_MAX },
	{ "uidl", JF_UIDL, MSG_TEXT, 1, UIDL_MAX },
	{ "notes", JF_NOTES, MSG_BYTES, 1, NOTES_MAX },
	{ 0 }
};
static const struct msg_field j_result[] = {
	{ "results", JF_RESULTS, MSG_BYTES, 0,
	    CHAN_FRAME_MAX - JOB_REDIRECTS_MAX - 2048 },
	{ "host", JF_HOST, MSG_TEXT, 1, 400 },
	{ "redirects", JF_REDIRECTS, MSG_BYTES, 1, JOB_REDIRECTS_MAX },
	{ 0 }
};
static const struct msg_field j_words[] = {
	{ "words", JF_WORDS, MSG_TEXT, 0, RESULT_WORDS_MAX }, { 0 }
};
#define WORKER	(PEER_BIT(PEER_DELIVER) | PEER_BIT(PEER_RELAY))
static const struct msg_desc j_table[] = {
	[J_DELIVER] = { "DELIVER", QUEUE, 1, 1, j_job },
	[J_RELAY] = { "RELAY", QUEUE, 1, 1, j_job },
	[J_RESULT] = { "RESULT", WORKER, 0, 0, j_result },
	[J_BROKEN] = { "BROKEN", WORKER, 0, 0, j_words },
	[J_REFUSED] = { "REFUSED", WORKER, 0, 0, j_words },
	[J_HURRY] = { "HURRY", QUEUE, 0, 0, NULL },
};
const struct msg_proto proto_job = MSG_PROTO("job", j_table);

static const struct msg_field a_auth[] = {
	{ "service", AF_SERVICE, MSG_U32, 0, 0 },
	{ "user", AF_USER, MSG_TEXT, 0, ADDRESS_MAX },
	{ "password", AF_PASSWORD, MSG_TEXT, 0, PASSWORD_MAX },
	{ "remote", AF_REMOTE, MSG_TEXT, 0, 80 },
	{ "tls", AF_TLS, MSG_TEXT, 1, AUTH_TLS_MAX },
	{ 0 }
};
static const struct msg_field a_ok[] = {
	{ "user", AF_USER, MSG_TEXT, 0, ADDRESS_MAX }, { 0 }
};
static const struct msg_field a_no[] = {
	{ "reason", AF_REASON, MSG_U32, 0, 0 },
	{ "words", AF_WORDS, MSG_TEXT, 0, RESULT_WORDS_MAX },
	{ 0 }
};
static const struct msg_desc a_table[] = {
	[A_AUTH] = { "AUTH", PEER_BIT(PEER_LOGIN) | PEER_BIT(PEER_SMTPD), 0,
	    0, a_auth },
	[A_OK] = { "OK", PEER_BIT(PEER_AUTH), 0, 1, a_ok },
	[A_NO] = { "NO", PEER_BIT(PEER_AUTH), 0, 0, a_no },
};
const struct msg_proto proto_auth = MSG_PROTO("auth", a_table);

static const struct msg_field n_name[] = {
	{ "name", NF_NAME, MSG_TEXT, 0, NAME_MAX_DNS }, { 0 }
};
static const struct msg_field n_hosts[] = {
	{ "status", NF_STATUS, MSG_U32, 0, 0 },
	{ "hosts", NF_HOSTS, MSG_BYTES, 1, 64 * 1024 },
	{ "words", NF_WORDS, MSG_TEXT, 1, RESULT_WORDS_MAX },
	{ "secure", NF_SECURE, MSG_U32, 1, 0 },
	{ 0 }
};
#define ASKER	(PEER_BIT(PEER_RELAY) | PEER_BIT(PEER_SMTPD) | \
    PEER_BIT(PEER_FETCH))
static const struct msg_desc n_table[] = {
	[N_MX] = { "MX", ASKER, 0, 0, n_name },
	[N_HOST] = { "HOST", ASKER, 0, 0, n_name },
	[N_HOSTS] = { "HOSTS", PEER_BIT(PEER_RESOLVE), 0, 0, n_hosts },
};
const struct msg_proto proto_resolve = MSG_PROTO("resolve", n_table);

static const struct msg_field s_sign[] = {
	{ "address", SF_ADDRESS, MSG_TEXT, 0, ADDRESS_MAX },
	{ "selector", SF_SELECTOR, MSG_TEXT, 0, DKIM_SELECTOR_MAX },
	{ "hash", SF_HASH, MSG_BYTES, 0, DKIM_HASH },
	{ 0 }
};
static const struct msg_field s_signed[] = {
	{ "signature", SF_SIGNATURE, MSG_BYTES, 0, DKIM_SIGNATURE_MAX }, { 0 }
};
static const struct msg_field s_no[] = {
	{ "reason", SF_REASON, MSG_U32, 0, 0 },
	{ "words", SF_WORDS, MSG_TEXT, 0, RESULT_WORDS_MAX },
	{ 0 }
};
static const struct msg_desc s_table[] = {
	[S_SIGN] = { "SIGN", PEER_BIT(PEER_SMTPD) | QUEUE, 0, 1, s_sign },
	[S_SIGNED] = { "SIGNED", PEER_BIT(PEER_SIGNER), 0, 0, s_signed },
	[S_NO] = { "NO", PEER_BIT(PEER_SIGNER), 0, 0, s_no },
};
const struct msg_proto proto_sign = MSG_PROTO("sign", s_table);

static const struct msg_field p_ask[] = {
	{ "user", PF_USER, MSG_TEXT, 0, PAM_USER_MAX },
	{ "password", PF_PASSWORD, MSG_TEXT, 0, PASSWORD_MAX },
	{ "remote", PF_REMOTE, MSG_TEXT, 0, 80 },
	{ 0 }
};
static const struct msg_field p_answer[] = {
	{ "result", PF_RESULT, MSG_U32, 0, 0 },
	{ "words", PF_WORDS, MSG_TEXT, 0, RESULT_WORDS_MAX },
	{ 0 }
};
static const struct msg_desc p_table[] = {
	[P_ASK] = { "ASK", PEER_BIT(PEER_AUTH), 0, 0, p_ask },
	[P_ANSWER] = { "ANSWER", PEER_BIT(PEER_PAM), 0, 0, p_answer },
};
const struct msg_proto proto_pam = MSG_PROTO("pam", p_table);

static const struct msg_field ad_none[] = { { 0 } };
static const struct msg_field ad_run[] = {
	{ "args", ADF_ARGS, MSG_BYTES, 0, ADMIN_ARGS_OCTETS },
	{ "language", ADF_LANGUAGE, MSG_TEXT, 1, ADMIN_LANGUAGE_MAX },
	{ "input", ADF_INPUT, MSG_TEXT, 1, PASSWORD_MAX },
	{ 0 }
};
static const struct msg_field ad_said[] = {
	{ "stream", ADF_STREAM, MSG_U32, 0, 0 },
	{ "text", ADF_TEXT, MSG_BYTES, 0, ADMIN_TEXT_MAX },
	{ 0 }
};
static const struct msg_field ad_end[] = {
	{ "status", ADF_STATUS, MSG_U32, 0, 0 },
	{ "foreign", ADF_FOREIGN, MSG_U32, 1, 0 },
	{ 0 }
};
#define ADMIN	PEER_BIT(PEER_ADMIN)
static const struct msg_desc ad_table[] = {
	[AD_HELLO] = { "HELLO", ADMIN, 0, 0, ad_none },
	[AD_RUN] = { "RUN", PEER_BIT(PEER_CTL), 0, 0, ad_run },
	[AD_SAID] = { "SAID", ADMIN, 0, 0, ad_said },
	[AD_END] = { "END", ADMIN, 0, 0, ad_end },
};
const struct msg_proto proto_admin = MSG_PROTO("admin", ad_table);

static const struct msg_field c_ask[] = {
	{ "id", CF_ID, MSG_TEXT, 1, QUEUE_ID_LEN },
	{ "user", CF_USER, MSG_TEXT, 1, ADDRESS_MAX },
	{ 0 }
};
static const struct msg_field c_note[] = {
	{ "words", CF_WORDS, MSG_TEXT, 0, RESULT_WORDS_MAX },
	{ 0 }
};
static const struct msg_field c_row[] = {
	{ "names", CF_NAMES, MSG_BYTES, 1, CTL_NAMES_MAX },
	{ "values", CF_VALUES, MSG_BYTES, 0, CTL_ROW_MAX },
	{ 0 }
};
static const struct msg_field c_progress[] = {
	{ "words", CF_WORDS, MSG_TEXT, 1, RESULT_WORDS_MAX },
	{ "done", CF_DONE, MSG_U64, 0, 0 },
	{ 0 }
};
static const struct msg_field c_end[] = {
	{ "status", CF_STATUS, MSG_U32, 0, 0 },
	{ "words", CF_WORDS, MSG_TEXT, 1, RESULT_WORDS_MAX },
	{ 0 }
};
#define CTL	PEER_BIT(PEER_CTL)
#define ANSWERS	(PEER_BIT(PEER_MASTER) | QUEUE | PEER_BIT(PEER_STORE) | \
    COLLECT)
static const struct msg_desc c_table[] = {
	[C_STATUS] = { "STATUS", CTL, 0, 0, c_ask },
	[C_STOP] = { "STOP", CTL, 0, 0, c_ask },
	[C_RELOAD] = { "RELOAD", CTL, 0, 0, c_ask },
	[C_LIST] = { "LIST", CTL, 0, 0, c_ask },
	[C_SHOW] = { "SHOW", CTL, 0, 0, c_ask },
	[C_RETRY] = { "RETRY", CTL, 0, 0, c_ask },
	[C_HOLD] = { "HOLD", CTL, 0, 0, c_ask },
	[C_RELEASE] = { "RELEASE", CTL, 0, 0, c_ask },
	[C_DELETE] = { "DELETE", CTL, 0, 0, c_ask },
	[C_CHECK] = { "CHECK", CTL, 0, 0, c_ask },
	[C_REBUILD] = { "REBUILD", CTL, 0, 0, c_ask },
	[C_ROW] = { "ROW", ANSWERS, 0, 1, c_row },
	[C_PROGRESS] = { "PROGRESS", ANSWERS, 0, 0, c_progress },
	[C_END] = { "END", ANSWERS, 0, 0, c_end },
	[C_KICK] = { "KICK", CTL, 0, 0, c_ask },
	[C_NOTE] = { "NOTE", CTL, 0, 0, c_note },
	[C_DOOR] = { "DOOR", CTL, 1, 1, c_ask },
	[C_REMOVE] = { "REMOVE", CTL, 0, 0, c_ask },
	[C_RENAME] = { "RENAME", CTL, 0, 0, c_ask },
};
const struct msg_proto proto_ctl = MSG_PROTO("ctl", c_table);
