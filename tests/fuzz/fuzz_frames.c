/*
 * What a neighbour writes on a channel, in every protocol and from every
 * peer: frames, fields and their bounds. The first octet names the protocol,
 * the second the peer.
 */
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/door_proto.h"
#include "lib/mail/proto.h"
#include "lib/server/wire.h"
#include "tests/fuzz/fuzz_pair.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a table promises of its fields, the reader may rely on. */
static void
look(const struct msg *m)
{
	const struct msg_field *f;
	const char *p;
	size_t len;
	char *copy;

	for (f = m->desc->fields; f != NULL && f->name != NULL; f++) {
		if (!msg_has(m, f->tag)) {
			if (!f->optional)
				abort();
			continue;
		}
		if (f->type == MSG_U32) {
			(void)msg_get_u32(m, f->tag);
			continue;
		}
		if (f->type == MSG_U64) {
			(void)msg_get_u64(m, f->tag);
			continue;
		}
		p = msg_get(m, f->tag, &len);
		if (len > f->max || (p == NULL) != (len == 0) ||
		    (p != NULL && (p < m->frame.data ||
		    p + len > m->frame.data + m->frame.len)) ||
		    (f->type == MSG_TEXT && !str_is_text(p, len)))
			abort();
		copy = msg_get_dup(m, f->tag);
		if (f->type == MSG_TEXT && strlen(copy) != len)
			abort();
		free(copy);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct msg_proto *const protos[] = { &proto_queue,
		&proto_job, &proto_auth, &proto_resolve, &proto_ctl,
		&proto_wire, &proto_door, &proto_admin };
	struct buf why = BUF_INIT(300);
	const struct msg_proto *p;
	enum peer from;
	struct chan c;
	struct msg m;
	int fd[2];

	if (size < 2 || size > FUZZ_PAIR_MAX)
		return 0;
	p = protos[data[0] % (sizeof(protos) / sizeof(protos[0]))];
	from = (enum peer)(data[1] % PEER_COUNT);
	fuzz_pair(fd, data + 2, size - 2);
	chan_init(&c, fd[0]);
	while (msg_recv(&m, p, from, &c, 1000, &why) == 1) {
		if (m.type >= p->n || !(m.desc->from & PEER_BIT(from)))
			abort();
		look(&m);
		msg_done(&m);
	}
	chan_clear(&c);
	close(fd[1]);
	buf_clear(&why);
	return 0;
}
