/*
 * What the IMAP service can do, in the words of CAPABILITY. login says it
 * before and in the tagged OK of the login, imapd after it. What a command of
 * imapd adds stands in its row (imapd/cmd_*.c); make collects it.
 */
#ifndef LIB_MAIL_IMAP_CAPABILITY_H
#define LIB_MAIL_IMAP_CAPABILITY_H

#include "lib/mail/imap_rows.h"

/* Before login; login adds STARTTLS, LOGINDISABLED, AUTH=... as they fit. */
#define IMAP_CAPABILITY_LOGIN "IMAP4rev1 LITERAL+ SASL-IR ID ENABLE"

/* After login: "* CAPABILITY " or "[CAPABILITY ...]". */
#define IMAP_CAPABILITY IMAP_CAPABILITY_LOGIN IMAP_CAPABILITY_ROWS

/* The answer to ID (RFC 2971), "* ID " before it. */
#define IMAP_ID "(\"name\" \"Rohrpost\")"

#endif
