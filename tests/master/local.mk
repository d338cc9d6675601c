check_PROGRAMS += tests/master/test_table tests/master/test_drop_file
tests_master_test_drop_file_LDADD = master/libmaster.a $(LINKS) $(SERVER) \
	$(MAIL) $(NET) $(BASE) $(SERVER_LIBS) $(CMOCKA_LIBS)
tests_master_test_table_LDADD = master/libmaster.a $(LINKS) $(SERVER) $(MAIL) \
	$(NET) $(BASE) $(SERVER_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/master/test_rate
tests_master_test_rate_LDADD = master/libmaster.a $(SERVER) $(BASE) \
	$(CMOCKA_LIBS)
check_PROGRAMS += tests/master/test_rows tests/master/test_logger
tests_master_test_rows_LDADD = master/libmaster.a $(LINKS) $(SERVER) $(MAIL) \
	$(NET) $(BASE) $(SERVER_LIBS) $(CMOCKA_LIBS)
tests_master_test_rows_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=kill
tests_master_test_logger_LDADD = master/libmaster.a $(SERVER) $(BASE) \
	$(SERVER_LIBS) $(CMOCKA_LIBS)
tests_master_test_logger_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=write
