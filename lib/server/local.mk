noinst_LIBRARIES += lib/server/libserver.a
lib_server_libserver_a_SOURCES = \
	lib/server/settings.c lib/server/settings.h \
	lib/server/settings_value.c lib/server/settings_value.h \
	lib/server/wire.c lib/server/wire.h \
	lib/server/program.c lib/server/program.h \
	lib/server/crowd.c lib/server/crowd.h \
	lib/server/server.c lib/server/server.h lib/server/server_impl.h \
	lib/server/server_start.c lib/server/server_accept.c \
	lib/server/server_loop.c lib/server/server_work.c \
	lib/server/work_crowd.c lib/server/work_crowd.h \
	lib/server/privdrop.c lib/server/privdrop.h \
	lib/server/privdrop_program.c lib/server/privdrop_program.h \
	lib/server/seccomp.c lib/server/seccomp.h \
	lib/server/host_user.c lib/server/host_user.h \
	lib/server/walls.c lib/server/walls.h lib/server/walls.def
SERVER_LIBS = $(EV_LIBS)

# The system call filter is made at build time: see mkfilter.c.
if SECCOMP
noinst_PROGRAMS += lib/server/mkfilter
lib_server_mkfilter_CPPFLAGS = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I$(top_srcdir)
lib_server_mkfilter_LDADD = $(SECCOMP_LIBS)
CLEANFILES += lib/server/filter.h
lib/server/seccomp.$(OBJEXT): lib/server/filter.h
lib/server/filter.h: lib/server/mkfilter$(EXEEXT)
	$(AM_V_GEN)lib/server/mkfilter >$@.new && mv $@.new $@
endif
