check_PROGRAMS += tests/sieve/test_sieve tests/sieve/test_sieve_hostile
tests_sieve_test_sieve_SOURCES = tests/sieve/test_sieve.c \
	tests/sieve/decide.c tests/sieve/decide.h
tests_sieve_test_sieve_LDADD = $(SIEVE) $(MAIL) $(NET) $(BASE) \
	$(IDN2_LIBS) $(CMOCKA_LIBS)
tests_sieve_test_sieve_hostile_SOURCES = tests/sieve/test_sieve_hostile.c \
	tests/sieve/decide.c tests/sieve/decide.h
tests_sieve_test_sieve_hostile_LDADD = $(SIEVE) $(MAIL) $(NET) $(BASE) \
	$(IDN2_LIBS) $(CMOCKA_LIBS)
