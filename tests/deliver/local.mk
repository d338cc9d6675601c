check_PROGRAMS += tests/deliver/test_deliver
tests_deliver_test_deliver_LDADD = $(DELIVER) $(CMOCKA_LIBS)
