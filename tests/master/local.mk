check_PROGRAMS += tests/master/test_table
tests_master_test_table_LDADD = master/libmaster.a $(LINKS) $(SERVER) $(MAIL) \
	$(NET) $(BASE) $(SERVER_LIBS) $(CMOCKA_LIBS)
