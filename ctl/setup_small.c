#include <stddef.h>

#include "ctl/setup_small.h"

/* A worker with a large message takes some 1.4 MB: 120 of them 170 MB. */
static const struct { const char *key, *value; } small[] = {
	{ "smtp_workers", "40" },
	{ "submission_workers", "40" },
	{ "relay_workers", "40" },
	{ "index_cache", "32M" },
};

void
setup_small(struct conf_file *conf, uint64_t bytes)
{
	size_t i;

	if (bytes >= (uint64_t)SETUP_SMALL_MB << 20)
		return;
	for (i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		conf_set(conf, small[i].key, small[i].value);
}
