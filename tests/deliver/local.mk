check_PROGRAMS += tests/deliver/test_deliver
# Not a test: deliver with a filter, for test_deliver.
noinst_PROGRAMS += tests/deliver/filtering
tests_deliver_filtering_SOURCES = tests/deliver/filtering.c deliver/main.c
tests_deliver_filtering_LDADD = $(DELIVER)
tests_deliver_test_deliver_LDADD = $(DELIVER) $(CMOCKA_LIBS)
