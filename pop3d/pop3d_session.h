/*
 * A POP3 session after its login: the TRANSACTION and UPDATE states of RFC
 * 1939, with CAPA, PIPELINING (RFC 2449) and response codes.
 *
 * Bounds: POP3D_LINE_MAX a line, POP3D_ERRORS_MAX lines that are no command of
 * ours, the idle time-out of the stream. A connection that ends without QUIT
 * deletes nothing.
 */
#ifndef POP3D_POP3D_SESSION_H
#define POP3D_POP3D_SESSION_H

#include "pop3d/pop3d_box.h"
#include "pop3d/pop3d_io.h"

enum { POP3D_ERRORS_MAX = 20 };

struct pop3d_session {
	struct pop3d_io *io;
	struct pop3d_box *box;
	unsigned errors;
	int	 done;
};

/*
 * Serves one client from the answer to its PASS to its end. user and remote
 * are for the log.
 */
void	pop3d_session_run(struct pop3d_io *io, int (*reopen)(void),
	    const char *user, const char *remote);

/* One line of the client. */
void	pop3d_session_line(struct pop3d_session *s, const char *line,
	    size_t len);

#endif
