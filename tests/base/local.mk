check_PROGRAMS += tests/base/test_buf tests/base/test_msg
tests_base_test_buf_LDADD = $(BASE) $(CMOCKA_LIBS)
tests_base_test_msg_LDADD = $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/base/test_str
tests_base_test_str_SOURCES = tests/base/test_str.c
tests_base_test_str_LDADD = $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/base/test_crc32c
tests_base_test_crc32c_LDADD = $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/base/test_fd
tests_base_test_fd_LDADD = $(BASE) $(CMOCKA_LIBS)
tests_base_test_fd_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=write \
	-Wl,--wrap=fdatasync -Wl,--wrap=fsync -Wl,--wrap=close \
	-Wl,--wrap=renameat -Wl,--wrap=fstatfs -Wl,--wrap=fstatfs64
check_PROGRAMS += tests/base/test_log
tests_base_test_log_LDADD = $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/base/test_tree
tests_base_test_tree_LDADD = $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/base/test_clock
tests_base_test_clock_LDADD = $(BASE) $(CMOCKA_LIBS)
tests_base_test_clock_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=geteuid \
	-Wl,--wrap=clock_gettime -Wl,--wrap=__clock_gettime64
