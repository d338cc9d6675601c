noinst_LIBRARIES += lib/link/liblink.a
lib_link_liblink_a_SOURCES = \
	lib/link/control.c lib/link/control.h \
	lib/link/link.c lib/link/link.h \
	lib/link/login.c lib/link/login.h \
	lib/link/resolve.c lib/link/resolve.h \
	lib/link/sign.c lib/link/sign.h \
	lib/link/submit.c lib/link/submit.h
