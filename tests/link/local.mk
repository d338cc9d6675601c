check_PROGRAMS += tests/link/test_link tests/link/test_control
tests_link_test_link_LDADD = $(LINKS) $(BASE) $(EV_LIBS) $(CMOCKA_LIBS)
tests_link_test_control_LDADD = $(LINKS) $(SERVER) $(MAIL) $(NET) $(BASE) \
	$(SERVER_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/link/test_login tests/link/test_submit
tests_link_test_login_SOURCES = tests/link/test_login.c \
	tests/link/peer.c tests/link/peer.h
tests_link_test_login_LDADD = $(LINKS) $(MAIL) $(BASE) $(CMOCKA_LIBS) -lpthread
tests_link_test_submit_SOURCES = tests/link/test_submit.c \
	tests/link/peer.c tests/link/peer.h
tests_link_test_submit_LDADD = $(tests_link_test_login_LDADD)
tests_link_test_submit_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_now
check_PROGRAMS += tests/link/test_sign
tests_link_test_sign_SOURCES = tests/link/test_sign.c \
	tests/link/peer.c tests/link/peer.h
tests_link_test_sign_LDADD = $(tests_link_test_login_LDADD)
check_PROGRAMS += tests/link/test_resolve
tests_link_test_resolve_LDADD = $(LINKS) $(MAIL) $(NET) $(BASE) $(CMOCKA_LIBS)
