#include <errno.h>

#include "selftest/attacker.h"

struct attacker attacker = { .report = -1 };

int
error_of(long r)
{
	return r == -1 ? errno : 0;
}

int
barred(long r)
{
	int e = error_of(r);

	return e == EPERM || e == EACCES || e == ENOSYS ? e : 0;
}

int
on_others(long (*call)(pid_t))
{
	int e, worst = ESRCH;
	unsigned i;

	for (i = 0; i < attacker.n_others; i++) {
		e = error_of(call(attacker.others[i]));
		if (e == 0)
			return 0;
		if (e != ESRCH)
			worst = e;
	}
	return worst;
}
