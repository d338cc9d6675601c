/* The dialogue of IMAP before the login. */
#include "auth/login_imap.h"
#include "tests/fuzz/fuzz_login.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	return fuzz_login(&login_imap, p, len);
}
