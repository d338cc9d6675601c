/*
 * A maildrop on a POP3 server (RFC 1939 5): what is there, messages, and what
 * is to go.
 *
 * Numbers are those of the present session. Nothing is deleted there before
 * pop3_quit says so.
 *
 * Bounds: POP3_MESSAGES_MAX lines of a list.
 */
#ifndef RELAY_POP3_BOX_H
#define RELAY_POP3_BOX_H

#include <stdint.h>

#include "lib/mail/limits.h"
#include "relay/pop3_client.h"

enum { POP3_MESSAGES_MAX = 1000 * 1000 };

/* STAT: how many messages, and their octets, as the server says. */
enum pop3_result pop3_stat(struct pop3_client *c, uint32_t *n_r,
	    uint64_t *size_r) ATTR_CHECK;

/*
 * UIDL of all, handed out line by line. uid is NULL where it is not of the form
 * of RFC 1939 7, 1 to UIDL_MAX octets of 0x21 to 0x7e: such a message has no
 * name. Lines that make no sense are passed over. That two messages have one
 * name, or one number, is the caller's to see. POP3_NO: the server has no UIDL.
 */
enum pop3_result pop3_uidl(struct pop3_client *c, void (*each)(void *ctx,
	    uint32_t number, const char *uid), void *ctx) ATTR_CHECK;
/* LIST of all: a size may be a lie. */
enum pop3_result pop3_list(struct pop3_client *c, void (*each)(void *ctx,
	    uint32_t number, uint64_t size), void *ctx) ATTR_CHECK;

/*
 * The command for each of the n numbers, as many under way as pop3_window says.
 * answer is told the outcome of each, POP3_OK or POP3_NO, and c->text has what
 * the server said. POP3_OK when all are answered.
 */
enum pop3_result pop3_each(struct pop3_client *c, const char *command,
	    const uint32_t *numbers, size_t n, void (*answer)(void *ctx,
	    size_t i, enum pop3_result r), void *ctx) ATTR_CHECK;
/* What LIST n or UIDL n said of that number: the word behind it. 0, or -1. */
int	pop3_said(const struct pop3_client *c, uint32_t number,
	    const char **word_r) ATTR_CHECK;

/*
 * Asks for a message; more may be asked for while one comes (pop3_window).
 * Each is taken by pop3_retr_wait, in turn, or the connection ends; body as in
 * pop3_body. POP3_NO: that message cannot be had.
 */
void	pop3_retr_send(struct pop3_client *c, uint32_t number);
enum pop3_result pop3_retr_wait(struct pop3_client *c, int (*body)(void *ctx,
	    const char *p, size_t len), void *ctx) ATTR_CHECK;
/* The header and so many lines of the body. */
enum pop3_result pop3_top(struct pop3_client *c, uint32_t number,
	    unsigned lines, int (*body)(void *ctx, const char *p, size_t len),
	    void *ctx) ATTR_CHECK;

/*
 * QUIT: POP3_OK, what was marked by DELE is gone. POP3_NO: some of it is not.
 * POP3_LOST: that is not known.
 */
enum pop3_result pop3_quit(struct pop3_client *c) ATTR_CHECK;

#endif
