# selftest: the attacker that `rohrpost selftest jail` puts in the place of
# each program of a throw-away instance.
noinst_LIBRARIES += selftest/libselftest.a
selftest_libselftest_a_SOURCES = selftest/attacker.c selftest/attacker.h \
	selftest/report.c selftest/report.h \
	selftest/try_files.c selftest/try_ids.c selftest/try_sockets.c \
	selftest/try_processes.c selftest/try_self.c selftest/try_memory.c \
	selftest/try_kernel.c

pkglibexec_PROGRAMS += selftest/attacker
selftest_attacker_SOURCES = selftest/main.c
selftest_attacker_LDADD = selftest/libselftest.a $(SERVER) $(NET) $(BASE) \
	$(SERVER_LIBS) -lpthread
