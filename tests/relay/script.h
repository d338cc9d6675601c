/*
 * A server in a process of its own that follows a script, for clients of IMAP
 * and POP3.
 *
 * A script is a list of steps: "<text" expects a line that holds this text,
 * ">text" says a line, "=text" says text without an end of line, "~N text"
 * says text N times, "!" closes, "#" says nothing and waits for the client to
 * go, "@N text" says text again and again with N ms between two octets. "%" in
 * what is said is the first word of the last line that was expected.
 */
#ifndef TESTS_RELAY_SCRIPT_H
#define TESTS_RELAY_SCRIPT_H

#include <sys/types.h>

enum { SCRIPT_STEPS = 40 };

/* fd_r is the client's end of the connection. */
pid_t	script_start(const char *const *script, int *fd_r);
/* The client has gone. Fails the test where the script was not followed. */
void	script_finish(pid_t pid, const char *name);

#endif
