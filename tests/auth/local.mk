check_PROGRAMS += tests/auth/test_hash tests/auth/test_delay \
	tests/auth/test_serve
tests_auth_test_hash_LDADD = auth/libauth.a $(AUTH_LIBS) $(CMOCKA_LIBS)
tests_auth_test_delay_LDADD = auth/libauth.a $(AUTH_LIBS) $(CMOCKA_LIBS)
tests_auth_test_serve_SOURCES = tests/auth/test_serve.c tests/auth/rig.c \
	tests/auth/rig.h
tests_auth_test_serve_LDADD = auth/libauth.a $(AUTH_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/auth/test_talk
tests_auth_test_talk_LDADD = auth/liblogin.a $(LOGIN_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/auth/test_proxy
tests_auth_test_proxy_LDADD = auth/liblogin.a $(LOGIN_LIBS) $(CMOCKA_LIBS)
tests_auth_test_proxy_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_mono_ms
check_PROGRAMS += tests/auth/test_learned
tests_auth_test_learned_LDADD = auth/libauth.a $(AUTH_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/auth/test_requests
tests_auth_test_requests_SOURCES = tests/auth/test_requests.c \
	tests/auth/rig.c tests/auth/rig.h
tests_auth_test_requests_LDADD = auth/libauth.a $(AUTH_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/auth/test_users
tests_auth_test_users_SOURCES = tests/auth/test_users.c tests/auth/rig.c \
	tests/auth/rig.h
tests_auth_test_users_LDADD = auth/libauth.a $(AUTH_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/auth/test_pam
tests_auth_test_pam_SOURCES = tests/auth/test_pam.c tests/auth/rig.c \
	tests/auth/rig.h
tests_auth_test_pam_LDADD = auth/libauth.a $(AUTH_LIBS) $(CMOCKA_LIBS)
tests_auth_test_pam_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_mono_ms
