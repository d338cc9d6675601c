/*
 * Flag lists as clients write them, for STORE and APPEND.
 */
#ifndef IMAPD_IMAPD_FLAGS_H
#define IMAPD_IMAPD_FLAGS_H

#include <stdint.h>

#include "lib/mail/door.h"

#include "imapd/imapd_args.h"

struct imapd_flags {
	uint32_t flags;
	char	**keywords;	/* NULL at the end; NULL: there are none */
	unsigned n;
};

/*
 * Reads n flags that follow each other. Of keywords the first DOOR_NAMES_MAX
 * count: no mailbox has more. NULL; else why not, a static text.
 * imapd_flags_clear either way.
 */
const char *imapd_flags_read(struct imapd_flags *f,
	    const struct imapd_arg *a, size_t n);
void	imapd_flags_clear(struct imapd_flags *f);

#endif
