check_PROGRAMS += tests/link/test_link
tests_link_test_link_LDADD = $(LINKS) $(BASE) $(EV_LIBS) $(CMOCKA_LIBS)
