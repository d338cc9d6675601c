#include "lib/mail/queue_id.h"

void
queue_id_text(uint64_t id, char text[QUEUE_ID_LEN + 1])
{
	static const char digit[] = "0123456789abcdef";
	int i;

	for (i = QUEUE_ID_LEN; i-- > 0; id >>= 4)
		text[i] = digit[id & 15];
	text[QUEUE_ID_LEN] = '\0';
}

int
queue_id_parse(const char *p, size_t len, uint64_t *id_r)
{
	uint64_t id = 0;
	size_t i;

	if (len != QUEUE_ID_LEN)
		return -1;
	for (i = 0; i < len; i++) {
		if (p[i] >= '0' && p[i] <= '9')
			id = id << 4 | (uint64_t)(p[i] - '0');
		else if (p[i] >= 'a' && p[i] <= 'f')
			id = id << 4 | (uint64_t)(p[i] - 'a' + 10);
		else
			return -1;
	}
	if (id_r != NULL)
		*id_r = id;
	return 0;
}
