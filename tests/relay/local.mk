check_PROGRAMS += tests/relay/test_resolve_hosts tests/relay/test_relay_text \
	tests/relay/test_client tests/relay/test_hurry tests/relay/test_body \
	tests/relay/test_seven
tests_relay_test_resolve_hosts_LDADD = relay/libresolve.a $(BASE) \
	$(CMOCKA_LIBS)
tests_relay_test_relay_text_LDADD = relay/librelay.a $(BASE) $(CMOCKA_LIBS)
tests_relay_test_client_LDADD = relay/librelay.a $(MAIL) $(NET) $(BASE) \
	$(OPENSSL_LIBS) $(CMOCKA_LIBS)
tests_relay_test_hurry_LDADD = relay/librelay.a $(MAIL) $(NET) $(BASE) \
	$(OPENSSL_LIBS) $(CMOCKA_LIBS)
tests_relay_test_body_LDADD = relay/librelay.a $(MAIL) $(NET) $(BASE) \
	$(OPENSSL_LIBS) $(CMOCKA_LIBS)
tests_relay_test_seven_LDADD = relay/librelay.a $(MAIL) $(NET) $(BASE) \
	$(OPENSSL_LIBS) $(CMOCKA_LIBS)
