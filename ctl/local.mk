noinst_LIBRARIES += ctl/libctl.a
ctl_libctl_a_SOURCES = \
	ctl/ctl_name.c ctl/ctl_name.h \
	ctl/ctl_row.c ctl/ctl_text.c ctl/ctl_text.h \
	ctl/ctl_set.c ctl/ctl_check.c ctl/ctl_compile.c ctl/ctl_set.h \
	ctl/ctl_hash.c ctl/ctl_hash.h
