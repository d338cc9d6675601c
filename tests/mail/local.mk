check_PROGRAMS += tests/mail/test_mime
tests_mail_test_mime_LDADD = $(MAIL) $(BASE) $(CMOCKA_LIBS)
