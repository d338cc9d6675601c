/*
 * What who administers a domain sends to admin: AD_RUN (proto_admin), the words
 * of a command line. Read by root, of somebody who is not root.
 *
 * DIAGNOSTICS: none.
 */
#ifndef CTL_ADMIN_REQUEST_H
#define CTL_ADMIN_REQUEST_H

#include "lib/base/attr.h"
#include "lib/base/msg.h"

enum { ADMIN_WORDS_MAX = 1100 };	/* of a command line */

/* A request: words of a command line that ends with NULL. */
struct admin_request {
	char	**argv;
	int	 argc;
	char	*language, *input;
};

/*
 * Takes AD_RUN apart. 0; -1 where it is malformed: a packed list that is none, no
 * word or too many, a NUL, a control character. admin_request_clear in any case.
 */
int	admin_request(const struct msg *m, struct admin_request *r) ATTR_CHECK;
void	admin_request_clear(struct admin_request *r);

#endif
