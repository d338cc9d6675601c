/* The hosts that resolve answers, packed, as relay takes them apart. */
#include <string.h>

#include "lib/server/server.h"
#include "relay/relay_route.h"
#include "tests/fuzz/fuzz_pair.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct chan asking, answering;
static const uint8_t *input;
static size_t input_len;

/* The skeleton: resolve has answered before it is asked. */
struct chan *
server_peer(enum peer p, int timeout_ms)
{
	static uint32_t id;
	int fd[2];

	if (p != PEER_RESOLVE || input == NULL || socketpair(AF_UNIX,
	    SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1)
		abort();
	chan_init(&asking, fd[0]);
	chan_init(&answering, fd[1]);
	msg_begin(&answering, &proto_resolve, N_HOSTS, ++id);
	msg_u32(&answering, NF_STATUS, input[0] % 8 == 0 ?
	    (uint32_t)input[1] : N_OK);
	msg_bytes(&answering, NF_HOSTS, input + 1, input_len - 1);
	if (msg_end(&answering) == -1 || chan_send(&answering, 1000) == -1)
		abort();
	return &asking;
}

void
server_peer_lost(enum peer p)
{
	abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct relay_conf conf = { .host = "", .mx_port = 25 };
	static struct resolve_answer r;
	struct buf words = BUF_INIT(RESULT_WORDS_MAX);
	unsigned i;

	if (size < 2 || size > FUZZ_PAIR_MAX)
		return 0;
	input = data;
	input_len = size;
	conf.allow_loopback = data[0] & 1;
	if (route_find(&conf, "far.test", &r, &words) == RESULT_DELIVERED) {
		if (r.n == 0 || r.n > MAIL_HOSTS_MAX)
			abort();
		for (i = 0; i < r.n; i++)
			if (r.host[i].n == 0 ||
			    r.host[i].n > MAIL_ADDRESSES_MAX ||
			    strlen(r.host[i].name) > DOMAIN_MAX)
				abort();
	} else if (words.len == 0 && data[0] % 8 != 0)
		abort();
	chan_clear(&asking);
	chan_clear(&answering);
	buf_clear(&words);
	return 0;
}
