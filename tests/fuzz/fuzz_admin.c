/* A command of who administers a domain: words that are whole and bounded. */
#include <stdlib.h>
#include <string.h>

#include "ctl/admin_request.h"
#include "lib/mail/limits.h"
#include "lib/mail/proto.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(const struct admin_request *r)
{
	size_t n, all = 0;
	int i;

	if (r->argc < 1 || r->argc > ADMIN_WORDS_MAX ||
	    r->argv[r->argc] != NULL ||
	    strlen(r->language) > ADMIN_LANGUAGE_MAX ||
	    strlen(r->input) > PASSWORD_MAX)
		abort();
	for (i = 0; i < r->argc; i++) {
		for (n = 0; r->argv[i][n] != '\0'; n++)
			if ((unsigned char)r->argv[i][n] < ' ')
				abort();
		all += 4 + n;
	}
	if (all > ADMIN_ARGS_OCTETS)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct frame f = { .type = AD_RUN, .len = (uint32_t)size,
		.data = (const char *)data };
	struct buf why = BUF_INIT(300);
	struct admin_request r;
	struct msg m;

	if (size > CHAN_FRAME_MAX)
		return 0;
	if (msg_parse(&m, &proto_admin, PEER_CTL, &f, &why) == 0) {
		if (admin_request(&m, &r) == 0)
			look(&r);
		admin_request_clear(&r);
		msg_done(&m);
	}
	buf_clear(&why);
	return 0;
}
