CTL_TEST_LIBS = ctl/libctl.a $(SIEVE) $(SERVER) $(MAIL) $(NET) $(MAP) $(BASE) \
	$(OPENSSL_LIBS) $(CDB_LIBS) $(IDN2_LIBS) $(CRYPT_LIBS) $(GSASL_LIBS) \
	$(UNBOUND_LIBS) $(SECCOMP_LIBS) \
	$(CMOCKA_LIBS)
check_PROGRAMS += tests/ctl/test_text tests/ctl/test_tables \
	tests/ctl/test_out tests/ctl/test_answers tests/ctl/test_command tests/ctl/test_near \
	tests/ctl/test_sendmail tests/ctl/test_commit tests/ctl/test_selftest \
	tests/ctl/test_purge tests/ctl/test_pickup tests/ctl/test_dns_record \
	tests/ctl/test_dns_ask tests/ctl/test_dns_check tests/ctl/test_doctor \
	tests/ctl/test_find
check_PROGRAMS += tests/ctl/test_admin
tests_ctl_test_admin_SOURCES = tests/ctl/test_admin.c tests/ctl/hash6.h
tests_ctl_test_admin_LDADD = ctl/libadmin.a $(CTL_TEST_LIBS)
check_PROGRAMS += tests/ctl/test_probe
tests_ctl_test_probe_LDADD = $(CTL_TEST_LIBS)
# Not a test: what ctl/find.h finds, for test_find.py.
noinst_PROGRAMS += tests/ctl/find_print
tests_ctl_find_print_LDADD = ctl/libctl.a $(SIEVE) $(SERVER) $(MAIL) $(NET) $(MAP) \
	$(BASE) $(OPENSSL_LIBS) $(CDB_LIBS) $(IDN2_LIBS) $(CRYPT_LIBS) \
	$(GSASL_LIBS) $(UNBOUND_LIBS) $(SECCOMP_LIBS)
tests_ctl_test_find_LDADD = $(CTL_TEST_LIBS)
check_PROGRAMS += tests/ctl/test_diff tests/ctl/test_phones
tests_ctl_test_phones_LDADD = $(CTL_TEST_LIBS)
check_PROGRAMS += tests/ctl/test_ask tests/ctl/test_csv
tests_ctl_test_ask_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_csv_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_diff_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_doctor_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_doctor_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=dns_question \
	-Wl,--wrap=addr_connect \
	-Wl,--wrap=statvfs -Wl,--wrap=statvfs64
tests_ctl_test_dns_ask_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_dns_ask_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_mono_ms \
	-Wl,--wrap=dns_fd -Wl,--wrap=dns_work -Wl,--wrap=dns_ask \
	-Wl,--wrap=dns_cancel
tests_ctl_test_dns_check_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_dns_check_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=dns_question
tests_ctl_test_dns_record_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_text_SOURCES = tests/ctl/test_text.c tests/ctl/hash6.h
tests_ctl_test_text_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_tables_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_out_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_answers_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_near_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_command_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_selftest_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_purge_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_pickup_LDADD = ctl/libpickup.a ctl/libsendmail.a \
	$(CTL_TEST_LIBS)
tests_ctl_test_sendmail_LDADD = ctl/libsendmail.a $(CTL_TEST_LIBS)
tests_ctl_test_commit_SOURCES = tests/ctl/test_commit.c tests/ctl/hash6.h
tests_ctl_test_commit_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_commit_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=openat \
	-Wl,--wrap=linkat -Wl,--wrap=renameat -Wl,--wrap=unlinkat \
	-Wl,--wrap=fdatasync -Wl,--wrap=fsync -Wl,--wrap=write
check_PROGRAMS += tests/ctl/test_box
tests_ctl_test_box_LDADD = $(CTL_TEST_LIBS)
