/*
 * The dialogue of AUTH: the first line is its argument, the others are what
 * the client says to the challenges.
 */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/proto.h"
#include "smtpd/smtpd_command.h"
#include "tests/fuzz/fuzz_pair.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the archive needs of the skeleton. */
static struct chan asking, answering;
static unsigned asked;

/* auth has answered before it is asked. */
struct chan *
server_peer(enum peer p, int timeout_ms)
{
	int fd[2];

	if (p != PEER_AUTH || asked++ > 0 || socketpair(AF_UNIX,
	    SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1)
		abort();
	chan_init(&asking, fd[0]);
	chan_init(&answering, fd[1]);
	msg_begin(&answering, &proto_auth, A_OK, 1);
	msg_text(&answering, AF_USER, "anna@us.test");
	if (msg_end(&answering) == -1 || chan_send(&answering, 1000) == -1)
		abort();
	return &asking;
}

void
server_peer_lost(enum peer p)
{
	abort();
}

void
server_retire(void)
{
}

int
server_master_fd(void)
{
	return -1;
}

int
server_ending(int hear)
{
	return 0;
}

void
server_waiting(int64_t since)
{
}

int
server_kicked(void)
{
	return 0;
}

int
server_yielding(void)
{
	return 0;
}

/* In the place of log_info, which tells of every login that is refused. */
void	__wrap_log_info(const char *fmt, ...);

void
__wrap_log_info(const char *fmt, ...)
{
}

/* What auth was asked is what its table allows. */
static void
look(void)
{
	struct buf why = BUF_INIT(300);
	struct msg m;

	if (msg_recv(&m, &proto_auth, PEER_SMTPD, &answering, 1000, &why) != 1)
		abort();
	msg_done(&m);
	buf_clear(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct smtp_session s;
	const uint8_t *lf = memchr(data, '\n', size);
	struct smtp_args a;
	int fd[2];

	if (size > FUZZ_PAIR_MAX || lf == NULL)
		return 0;
	a.len = (size_t)(lf - data);
	a.text = mem_strndup((const char *)data, a.len);
	a.words = 1;
	fuzz_pair(fd, lf + 1, size - a.len - 1);
	memset(&s, 0, sizeof(s));
	stream_init(&s.io, fd[0]);
	s.service = SERVICE_SUBMISSION;
	s.state = SMTP_HELLO;
	s.tls[0] = 'T';
	asked = 0;
	smtpd.conf.command_time = 10;
	cmd_auth(&s, &a);
	if (asked > 0)
		look();
	if ((asked > 0) != (s.login[0] != '\0'))
		abort();
	chan_clear(&asking);
	chan_clear(&answering);
	stream_clear(&s.io);
	close(fd[1]);
	free(a.text);
	return 0;
}
