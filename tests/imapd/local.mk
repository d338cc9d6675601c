check_PROGRAMS += tests/imapd/test_parse
tests_imapd_test_parse_LDADD = imapd/libimapd.a $(SERVER) $(MAIL) $(BASE) \
	$(SERVER_LIBS) $(CMOCKA_LIBS)
