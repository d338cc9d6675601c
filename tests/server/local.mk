check_PROGRAMS += tests/server/test_settings tests/server/test_privdrop
tests_server_test_settings_LDADD = $(SERVER) $(BASE) $(SERVER_LIBS) \
	$(CMOCKA_LIBS)
tests_server_test_privdrop_LDADD = $(SERVER) $(BASE) $(SERVER_LIBS) \
	$(SECCOMP_LIBS) $(CMOCKA_LIBS)
tests_server_test_privdrop_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=setresuid \
	-Wl,--wrap=setresgid
check_PROGRAMS += tests/server/test_crowd
tests_server_test_crowd_LDADD = $(SERVER) $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/server/test_accept
tests_server_test_accept_LDADD = $(SERVER) $(NET) $(BASE) $(SERVER_LIBS) \
	$(SECCOMP_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/server/test_reload
tests_server_test_reload_LDADD = $(SERVER) $(NET) $(BASE) $(SERVER_LIBS) \
	$(SECCOMP_LIBS) $(CMOCKA_LIBS)
# Not a test: a stand-in for every program, for tests/suite/test_master.py.
noinst_PROGRAMS += tests/server/probe
tests_server_probe_LDADD = $(SERVER) $(NET) $(BASE) $(SERVER_LIBS)
check_PROGRAMS += tests/server/test_host_user
tests_server_test_host_user_LDADD = $(SERVER) $(BASE) $(CMOCKA_LIBS)
tests_server_test_host_user_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=getpwnam_r,--wrap=getgrnam_r,--wrap=getgrouplist
