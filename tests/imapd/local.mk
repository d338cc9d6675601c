check_PROGRAMS += tests/imapd/test_parse tests/imapd/test_session
TEST_IMAPD_LIBS = imapd/libimapd.a $(SERVER) $(MAIL) $(BASE) \
	$(SERVER_LIBS) $(CMOCKA_LIBS)
tests_imapd_test_parse_LDADD = $(TEST_IMAPD_LIBS)
tests_imapd_test_session_LDADD = $(TEST_IMAPD_LIBS) -lpthread
