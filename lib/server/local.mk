noinst_LIBRARIES += lib/server/libserver.a
lib_server_libserver_a_SOURCES =
