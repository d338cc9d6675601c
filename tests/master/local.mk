check_PROGRAMS += tests/master/test_table
tests_master_test_table_LDADD = master/libmaster.a $(LINKS) $(SERVER) $(MAIL) \
	$(NET) $(BASE) $(SERVER_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/master/test_rate
tests_master_test_rate_LDADD = master/libmaster.a $(SERVER) $(BASE) \
	$(CMOCKA_LIBS)
