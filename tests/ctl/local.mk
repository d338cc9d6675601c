check_PROGRAMS += tests/ctl/test_text tests/ctl/test_tables
CTL_TEST_LIBS = ctl/libctl.a $(MAIL) $(MAP) $(BASE) $(CDB_LIBS) $(IDN2_LIBS) \
	$(CRYPT_LIBS) $(CMOCKA_LIBS)
tests_ctl_test_text_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_tables_LDADD = $(CTL_TEST_LIBS)
