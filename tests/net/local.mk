check_PROGRAMS += tests/net/test_addr tests/net/test_nets tests/net/test_stream
tests_net_test_addr_LDADD = $(NET) $(BASE) $(CMOCKA_LIBS)
tests_net_test_nets_LDADD = $(NET) $(BASE) $(CMOCKA_LIBS)
tests_net_test_stream_LDADD = $(NET) $(BASE) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/net/test_tls
tests_net_test_tls_LDADD = $(NET) $(BASE) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
