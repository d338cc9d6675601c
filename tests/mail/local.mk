check_PROGRAMS += tests/mail/test_mime
tests_mail_test_mime_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_address tests/mail/test_header
tests_mail_test_address_LDADD = $(MAIL) $(NET) $(BASE) $(IDN2_LIBS) \
	$(CMOCKA_LIBS)
tests_mail_test_header_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_mime_faults
tests_mail_test_mime_faults_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_mime_decode
tests_mail_test_mime_decode_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_answer
tests_mail_test_answer_SOURCES = tests/mail/test_answer.c
tests_mail_test_answer_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_dest_key tests/mail/test_notes
tests_mail_test_dest_key_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
tests_mail_test_notes_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_uids
tests_mail_test_uids_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_door
tests_mail_test_door_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS) -lpthread
check_PROGRAMS += tests/mail/test_credential
tests_mail_test_credential_LDADD = $(MAIL) $(BASE) $(GSASL_LIBS) \
	$(OPENSSL_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_dsn
tests_mail_test_dsn_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_packed
tests_mail_test_packed_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
