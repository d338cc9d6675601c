check_PROGRAMS += tests/relay/test_resolve_hosts tests/relay/test_relay_text \
	tests/relay/test_client tests/relay/test_hurry tests/relay/test_body \
	tests/relay/test_seven
tests_relay_test_resolve_hosts_LDADD = relay/libresolve.a $(BASE) \
	$(CMOCKA_LIBS)
tests_relay_test_relay_text_LDADD = relay/librelay.a relay/libsasl.a $(BASE) $(CMOCKA_LIBS)
tests_relay_test_client_LDADD = relay/librelay.a relay/libsasl.a relay/libresolve.a \
	$(SERVER) $(MAIL) $(NET) $(BASE) $(GSASL_LIBS) $(OPENSSL_LIBS) \
	$(CMOCKA_LIBS) -lpthread
tests_relay_test_client_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=connect
tests_relay_test_hurry_LDADD = relay/librelay.a relay/libsasl.a $(MAIL) $(NET) $(BASE) \
	$(OPENSSL_LIBS) $(CMOCKA_LIBS)
tests_relay_test_body_LDADD = relay/librelay.a relay/libsasl.a $(MAIL) $(NET) $(BASE) \
	$(OPENSSL_LIBS) $(CMOCKA_LIBS)
tests_relay_test_seven_LDADD = relay/librelay.a relay/libsasl.a $(MAIL) $(NET) $(BASE) \
	$(OPENSSL_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/relay/test_session tests/relay/test_job \
	tests/relay/test_lookup tests/relay/test_dns
tests_relay_test_session_SOURCES = tests/relay/test_session.c \
	tests/relay/mx.c tests/relay/mx.h
tests_relay_test_session_LDADD = relay/librelay.a relay/libsasl.a relay/libresolve.a \
	$(SERVER) $(MAIL) $(NET) $(BASE) $(GSASL_LIBS) $(OPENSSL_LIBS) \
	$(CMOCKA_LIBS) -lpthread
tests_relay_test_session_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_mono_ms
tests_relay_test_job_LDADD = relay/librelay.a relay/libsasl.a $(MAIL) $(NET) $(BASE) \
	$(OPENSSL_LIBS) $(CMOCKA_LIBS)
# Stand in for the DNS, and for libunbound.
tests_relay_test_lookup_LDADD = relay/libresolve.a $(BASE) $(EV_LIBS) \
	$(CMOCKA_LIBS)
tests_relay_test_lookup_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=ev_timer_start \
	-Wl,--wrap=clock_mono_ms
tests_relay_test_dns_LDADD = relay/libresolve.a $(NET) $(BASE) $(EV_LIBS) \
	$(CMOCKA_LIBS)
check_PROGRAMS += tests/relay/test_resolve_client
tests_relay_test_resolve_client_LDADD = relay/libresolve.a $(SERVER) $(LINKS) \
	$(MAIL) $(NET) $(BASE) $(EV_LIBS) $(CMOCKA_LIBS) -lpthread
tests_relay_test_resolve_client_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=lookup_start -Wl,--wrap=lookup_cancel \
	-Wl,--wrap=server_retire_peer
check_PROGRAMS += tests/relay/test_trial
tests_relay_test_trial_SOURCES = tests/relay/test_trial.c relay/trial.c \
	relay/trial_box.c
tests_relay_test_trial_LDADD = relay/librelay.a relay/libresolve.a \
	relay/libimap.a relay/libpop3.a relay/libsasl.a $(LINKS) \
	$(SERVER) $(MAIL) $(NET) $(BASE) $(GSASL_LIBS) $(OPENSSL_LIBS) \
	$(CMOCKA_LIBS)
tests_relay_test_trial_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_mono_ms \
	-Wl,--wrap=connect_address
# The client's side of IMAP.
check_PROGRAMS += tests/relay/test_imap
tests_relay_test_imap_SOURCES = tests/relay/test_imap.c \
	tests/relay/script.c tests/relay/script.h
tests_relay_test_imap_LDADD = relay/libimap.a relay/libsasl.a $(MAIL) \
	$(NET) $(BASE) \
	$(GSASL_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/relay/test_migrate
tests_relay_test_migrate_LDADD = relay/libmigrate.a relay/libimap.a \
	relay/libsasl.a $(MAIL) $(NET) $(BASE) $(GSASL_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/relay/test_sasl
tests_relay_test_sasl_LDADD = relay/libsasl.a $(BASE) $(GSASL_LIBS) $(CMOCKA_LIBS)
# The client's side of POP3.
check_PROGRAMS += tests/relay/test_pop3
tests_relay_test_pop3_SOURCES = tests/relay/test_pop3.c \
	tests/relay/script.c tests/relay/script.h
tests_relay_test_pop3_LDADD = relay/libpop3.a relay/libsasl.a $(NET) $(BASE) \
	$(GSASL_LIBS) $(OPENSSL_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/relay/test_journal
tests_relay_test_journal_LDADD = relay/libcollect.a $(MAIL) $(BASE) \
	$(CMOCKA_LIBS)
tests_relay_test_journal_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fd_write_all
check_PROGRAMS += tests/relay/test_collect
tests_relay_test_collect_LDADD = relay/libcollect.a $(LINKS) $(SERVER) \
	$(MAIL) $(MAP) $(NET) $(BASE) $(SERVER_LIBS) $(CDB_LIBS) \
	$(OPENSSL_LIBS) $(CMOCKA_LIBS)
tests_relay_test_collect_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fd_write_all \
	-Wl,--wrap=clock_mono_ms -Wl,--wrap=clock_now \
	-Wl,--wrap=server_need -Wl,--wrap=server_retire_peer \
	-Wl,--wrap=server_exit
