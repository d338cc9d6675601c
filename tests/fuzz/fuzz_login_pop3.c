/* The dialogue of POP3 before the login. */
#include "auth/login_pop3.h"
#include "tests/fuzz/fuzz_login.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	return fuzz_login(&login_pop3, p, len);
}
