/* The records of the queue's table, and the packed recipients of Q_SUBMIT. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "queue/queue_envelope.h"
#include "queue/queue_record.h"
#include "queue/queue_target.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What parses packs to a record that means the same. */
static void
envelope(const uint8_t *data, size_t len)
{
	struct buf b = BUF_INIT(0), again = BUF_INIT(0);
	struct envelope e, f;

	if (envelope_parse(&e, data, len) == -1)
		return;
	if (envelope_pack(&e, &b) == -1 || b.len > len ||
	    envelope_parse(&f, b.data, b.len) == -1 ||
	    envelope_pack(&f, &again) == -1 || again.len != b.len ||
	    memcmp(again.data, b.data, b.len) != 0)
		abort();
	envelope_clear(&e);
	envelope_clear(&f);
	buf_clear(&b);
	buf_clear(&again);
}

static void
result(struct target *t)
{
	struct target again = { .address = "" };
	struct buf b = BUF_INIT(0);

	if (target_pack_result(t, &b) == -1 ||
	    target_parse_result(&again, b.data, b.len) == -1 ||
	    again.state != t->state || again.tell != t->tell)
		abort();
	free(again.words);
	free(again.host);
	free(t->words);
	free(t->host);
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
	if (target_parse_result(&t, data, len) == 0)
		result(&t);
	if (schedule_parse(&s, data, len) == 0)
		free(s.words);
	return 0;
}
