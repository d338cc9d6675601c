#include <stdlib.h>

#include "tests/fuzz/fuzz_login.h"

static void
answer(struct login_talk *t, uint8_t how)
{
	if (how & 64)
		login_talk_passed(t);
	else
		(void)login_talk_refused(t, (enum login_reason)(how % 4));
}

int
fuzz_login(const struct login_protocol *protocol, const uint8_t *p, size_t len)
{
	enum login_want want = LOGIN_INPUT;
	struct login_talk *t;
	size_t n, step;
	uint8_t how;

	if (len == 0)
		return 0;
	how = *p++;
	len--;
	step = how % 31 + 1;
	t = login_talk_new(protocol, how >> 7);
	login_talk_greet(t);
	while (len > 0 && want != LOGIN_END) {
		n = len < step ? len : step;
		if (n > LOGIN_IN_MAX - t->in.len)
			n = LOGIN_IN_MAX - t->in.len;
		if (n == 0 || buf_append(&t->in, p, n) == -1)
			abort();
		p += n;
		len -= n;
		while ((want = login_talk_run(t)) == LOGIN_ASK)
			answer(t, how);
		if (want == LOGIN_TLS)
			login_talk_tls(t);
		if (t->in.len > LOGIN_IN_MAX)
			abort();
	}
	login_talk_free(&t);
	return 0;
}
