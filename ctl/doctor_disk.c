#include "config.h"

#include <sys/statvfs.h>

#include "ctl/doctor.h"

void
doctor_disk(const char *state_dir, const char *hostname, struct findings *l)
{
	struct statvfs v;
	uint64_t free;

	if (statvfs(state_dir, &v) == -1)
		return;
	free = (uint64_t)v.f_bavail * v.f_frsize;
	finding_add_number(l, free < DOCTOR_DISK_LOW ? FINDING_DISK :
	    FINDING_DISK_GOOD, hostname, state_dir, free >> 20);
	/* A file system without a bound on them has none. */
	if (v.f_files > 0 && v.f_favail < DOCTOR_INODES_LOW)
		finding_add_number(l, FINDING_INODES, hostname, state_dir,
		    v.f_favail);
}
