/*
 * Who changed what, and when: a line for each command that changes something,
 * whether it was done or refused, in state_dir/audit.log (root's alone; only
 * ever appended to), and a copy in the log while the suite runs:
 *
 *	2026-01-02T03:04:05Z root sudo=anna: user set b@x.test --disabled: done
 *
 * What who administers a domain did (ctl_admin.h) stands there as "anna by=admin".
 * The real uid by name; sudo= from the environment; login= who logged in, as
 * the kernel keeps it (/proc/self/loginuid), where it is another. No value of
 * an option that is a secret, and no password, which is never an argument.
 *
 * DIAGNOSTICS: a line that cannot be written whole is not written, and that is
 * said on standard error; what the command did stays.
 */
#ifndef CTL_CTL_AUDIT_H
#define CTL_CTL_AUDIT_H

#include "ctl/ctl.h"

/* status: what the command returned. */
void	audit_command(struct ctl *c, const struct ctl_command *cmd, int status);

#endif
