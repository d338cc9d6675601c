#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/words.h"
#include "lib/server/privdrop.h"
#include "lib/server/privdrop_program.h"
#include "lib/server/seccomp.h"

/* To stand in an empty directory that is removed already. 0, or -1 with why. */
static int
enter_empty(struct buf *why)
{
	char path[] = P_tmpdir "/rohrpost-XXXXXX";

	if (mkdtemp(path) == NULL) {
		buf_set(why, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (chdir(path) == -1 || rmdir(path) == -1) {
		buf_set(why, "%s: %s", path, strerror(errno));
		(void)rmdir(path);
		return -1;
	}
	return 0;
}

int
privdrop_program(enum program_id id, int empty, struct buf *why)
{
	struct privdrop drop = { .extra_gid = (gid_t)-1 };
	const struct program *row = &programs[id];
	struct passwd *pw;

	if (geteuid() != 0)
		return 0;
	errno = 0;
	pw = getpwnam(row->user);
	if (pw == NULL && errno == 0 && empty)
		pw = getpwnam("nobody");
	if (pw == NULL) {
		buf_set(why, _("no user %s on this machine (%s)"), row->user,
		    errno != 0 ? strerror(errno) : SYSUSERS);
		return -1;
	}
	drop.uid = pw->pw_uid;
	drop.gid = pw->pw_gid;
	if (empty && enter_empty(why) == -1)
		return -1;
	drop.jail = empty ? "." : NULL;
	return privdrop(&drop, why) == -1 ||
	    server_filter(row->rights, why) == -1 ? -1 : 0;
}
