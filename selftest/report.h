/*
 * The attacker's side of the report (lib/server/walls.h).
 */
#ifndef SELFTEST_REPORT_H
#define SELFTEST_REPORT_H

#include "lib/base/attr.h"

/* Before the jail: opens it and says that this program is here. 0, or -1. */
int	report_open(unsigned program) ATTR_CHECK;
/* Are all here? Then attacker.others is filled in. */
int	report_begun(void);
/* Tries everything once, and says what came of it. */
void	report_all(unsigned program);

#endif
