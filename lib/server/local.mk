noinst_LIBRARIES += lib/server/libserver.a
lib_server_libserver_a_SOURCES = \
	lib/server/config.h lib/server/wire.h lib/server/server.h \
	lib/server/privdrop.h
