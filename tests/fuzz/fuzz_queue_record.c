/* The records of the queue's table, and the packed recipients of Q_SUBMIT. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "queue/queue_envelope.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
envelope(const uint8_t *data, size_t len)
{
	struct envelope e;
	struct buf b = BUF_INIT(0);

	if (envelope_parse(&e, data, len) == -1)
		return;
	/* What parses packs again, to the same octets. */
	if (envelope_pack(&e, &b) == -1 || b.len != len ||
	    memcmp(b.data, data, len) != 0)
		abort();
	envelope_clear(&e);
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct target t = { .address = "" };
	struct targets ts;
	struct schedule s;
	struct envelope e;
	char *extra;

	envelope(data, len);
	memset(&e, 0, sizeof(e));
	if (recipients_parse(&e, data, len, 10, &extra) == 0)
		envelope_clear(&e);
	if (targets_parse(&ts, 10, data, len) == 0)
		targets_clear(&ts);
	if (target_parse_result(&t, data, len) == 0) {
		free(t.words);
		free(t.host);
	}
	if (schedule_parse(&s, data, len) == 0)
		free(s.words);
	return 0;
}
