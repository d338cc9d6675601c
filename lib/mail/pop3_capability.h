/*
 * What the POP3 service can do, in the lines of CAPA (RFC 2449). login says
 * it before the login and adds STLS, USER and SASL as they fit, pop3d after.
 */
#ifndef LIB_MAIL_POP3_CAPABILITY_H
#define LIB_MAIL_POP3_CAPABILITY_H

#define POP3_CAPABILITY \
	"TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n" \
	"EXPIRE NEVER\r\nIMPLEMENTATION Rohrpost\r\n"

#endif
