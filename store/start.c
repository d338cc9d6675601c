#include "config.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "lib/base/log.h"
#include "store/body.h"
#include "store/shard.h"
#include "store/start.h"

/* A delivery under way holds a descriptor. */
static void
raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) == -1)
		log_warn("the limit of descriptors stays");
}

int
start_open(struct buf *why)
{
	const char *s = store.conf.state_dir;
	char mail[1000], queue[1000], index[1000];
	int fresh;

	raise_files();
	snprintf(index, sizeof(index), "%s/spool", s);
	mkdir(index, 0755);	/* made by set-up; in a trial, perhaps by us */
	snprintf(mail, sizeof(mail), "%s/spool/mail", s);
	snprintf(queue, sizeof(queue), "%s/spool/queue/body", s);
	snprintf(index, sizeof(index), "%s/spool/index", s);
	snprintf(store.full_path, sizeof(store.full_path),
	    "%s/jail/state/full.cdb", s);
	if (body_start(mail, queue, why) == -1)
		return -1;
	store.engine = engine_open(index, store.conf.cache / 2, &fresh,
	    &store.clean, why);
	if (store.engine == NULL)
		return -1;
	if (fresh)
		log_info("the index is new: each account's is made from its "
		    "files at its first use");
	return 0;
}
