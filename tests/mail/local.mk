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
check_PROGRAMS += tests/mail/test_reply_kind
tests_mail_test_reply_kind_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_multidrop
tests_mail_test_multidrop_LDADD = $(MAIL) $(NET) $(BASE) $(IDN2_LIBS) \
	$(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_expiry
tests_mail_test_expiry_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_uids
tests_mail_test_uids_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_keyword_set
tests_mail_test_keyword_set_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_door
check_PROGRAMS += tests/mail/test_door_calls tests/mail/test_follow
tests_mail_test_follow_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
tests_mail_test_door_calls_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
tests_mail_test_door_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS) -lpthread
check_PROGRAMS += tests/mail/test_credential
tests_mail_test_credential_LDADD = $(MAIL) $(BASE) $(GSASL_LIBS) \
	$(OPENSSL_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_dsn
tests_mail_test_dsn_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_packed
tests_mail_test_packed_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_drop
tests_mail_test_drop_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_spf
tests_mail_test_spf_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
check_PROGRAMS += tests/mail/test_dkim
tests_mail_test_dkim_LDADD = $(MAIL) $(BASE) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
# For the suite (test_dkim.py).
noinst_PROGRAMS += tests/mail/dkim_sign
tests_mail_dkim_sign_LDADD = $(MAIL) $(BASE) $(OPENSSL_LIBS)
