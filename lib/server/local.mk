noinst_LIBRARIES += lib/server/libserver.a
lib_server_libserver_a_SOURCES = \
	lib/server/config.c lib/server/config.h \
	lib/server/wire.c lib/server/wire.h \
	lib/server/server.c lib/server/server.h lib/server/server_impl.h \
	lib/server/server_accept.c \
	lib/server/server_loop.c lib/server/server_work.c \
	lib/server/privdrop.c lib/server/privdrop.h \
	lib/server/seccomp.c
SERVER_LIBS = $(EV_LIBS) $(SECCOMP_LIBS)
