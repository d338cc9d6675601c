check_PROGRAMS += tests/smtpd/test_command tests/smtpd/test_scan \
	tests/smtpd/test_transcript tests/smtpd/test_mend
SMTPD_TEST_LIBS = smtpd/libsmtpd.a $(LINKS) $(MAIL) $(NET) $(MAP) $(BASE) \
	$(OPENSSL_LIBS) $(IDN2_LIBS) $(CDB_LIBS) $(CMOCKA_LIBS) -lpthread
tests_smtpd_test_command_SOURCES = tests/smtpd/test_command.c \
	tests/smtpd/fake.c tests/smtpd/fake.h
tests_smtpd_test_command_LDADD = $(SMTPD_TEST_LIBS)
tests_smtpd_test_scan_LDADD = $(SMTPD_TEST_LIBS)
tests_smtpd_test_mend_LDADD = $(SMTPD_TEST_LIBS)
tests_smtpd_test_transcript_SOURCES = tests/smtpd/test_transcript.c \
	tests/smtpd/fake.c tests/smtpd/fake.h
tests_smtpd_test_transcript_CPPFLAGS = $(AM_CPPFLAGS) \
	-DTRANSCRIPTS='"$(abs_top_srcdir)/tests/transcript"'
tests_smtpd_test_transcript_LDADD = $(SMTPD_TEST_LIBS)
EXTRA_DIST += tests/transcript
check_PROGRAMS += tests/smtpd/test_check
tests_smtpd_test_check_SOURCES = tests/smtpd/test_check.c \
	tests/smtpd/fake.c tests/smtpd/fake.h
tests_smtpd_test_check_LDADD = $(SMTPD_TEST_LIBS)
tests_smtpd_test_check_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fd_sync
check_PROGRAMS += tests/smtpd/test_check_rows
tests_smtpd_test_check_rows_SOURCES = tests/smtpd/test_check_rows.c \
	tests/smtpd/fake.c tests/smtpd/fake.h
tests_smtpd_test_check_rows_LDADD = $(SMTPD_TEST_LIBS)
check_PROGRAMS += tests/smtpd/test_ext
tests_smtpd_test_ext_SOURCES = tests/smtpd/test_ext.c \
	tests/smtpd/fake.c tests/smtpd/fake.h
tests_smtpd_test_ext_LDADD = $(SMTPD_TEST_LIBS)
check_PROGRAMS += tests/smtpd/test_session
tests_smtpd_test_session_SOURCES = tests/smtpd/test_session.c \
	tests/smtpd/fake.c tests/smtpd/fake.h
tests_smtpd_test_session_LDADD = $(SMTPD_TEST_LIBS)
tests_smtpd_test_session_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=clock_mono_ms -Wl,--wrap=poll -Wl,--wrap=close \
	-Wl,--wrap=stream_linger
check_PROGRAMS += tests/smtpd/test_local
tests_smtpd_test_local_SOURCES = tests/smtpd/test_local.c \
	tests/smtpd/fake.c tests/smtpd/fake.h
tests_smtpd_test_local_LDADD = $(SMTPD_TEST_LIBS)
check_PROGRAMS += tests/smtpd/test_lines
tests_smtpd_test_lines_SOURCES = tests/smtpd/test_lines.c \
	tests/smtpd/fake.c tests/smtpd/fake.h
tests_smtpd_test_lines_LDADD = $(SMTPD_TEST_LIBS)
tests_smtpd_test_lines_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=mmap \
	-Wl,--wrap=mmap64
check_PROGRAMS += tests/smtpd/test_signer
tests_smtpd_test_signer_LDADD = smtpd/libsigner.a smtpd/libsmtpd.a $(LINKS) \
	$(MAIL) $(NET) $(MAP) $(BASE) $(SERVER_LIBS) $(OPENSSL_LIBS) \
	$(IDN2_LIBS) $(CDB_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/smtpd/test_author
tests_smtpd_test_author_SOURCES = tests/smtpd/test_author.c tests/fuzz/author.h
tests_smtpd_test_author_LDADD = $(SMTPD_TEST_LIBS)
