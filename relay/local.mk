noinst_LIBRARIES += relay/libresolve.a relay/librelay.a
relay_libresolve_a_SOURCES = \
	relay/resolve_client.c relay/resolve_client.h \
	relay/resolve_hosts.c relay/resolve_hosts.h \
	relay/resolve_lookup.c relay/resolve_lookup.h \
	relay/resolve_probe.c relay/resolve_probe.h \
	relay/resolve_ask.c relay/resolve_ask.h \
	relay/resolve_trouble.c relay/resolve_trouble.h
relay_librelay_a_SOURCES = \
	relay/relay.h \
	relay/relay_auth.c relay/relay_auth.h \
	relay/relay_check.c relay/relay_check.h \
	relay/relay_client.c relay/relay_client.h \
	relay/relay_connect.c relay/relay_connect.h \
	relay/relay_data.c relay/relay_data.h \
	relay/relay_hurry.c relay/relay_hurry.h \
	relay/relay_job.c relay/relay_job.h \
	relay/relay_policy.c relay/relay_policy.h \
	relay/relay_reply.c relay/relay_reply.h \
	relay/relay_route.c relay/relay_route.h \
	relay/relay_session.c relay/relay_session.h \
	relay/relay_transaction.c relay/relay_transaction.h

# The client's sides of IMAP and POP3: of what moves in and what is collected.
noinst_LIBRARIES += relay/libimap.a relay/libpop3.a relay/libsasl.a
relay_libsasl_a_SOURCES = relay/sasl.c relay/sasl.h relay/sasl_token.c \
	relay/sasl_token.h
relay_libpop3_a_SOURCES = \
	relay/pop3_box.c relay/pop3_box.h \
	relay/pop3_client.c relay/pop3_client.h \
	relay/pop3_login.c relay/pop3_login.h \
	relay/pop3_text.c relay/pop3_text.h
relay_libimap_a_SOURCES = \
	relay/imap_change.c relay/imap_change.h \
	relay/imap_client.c relay/imap_client.h \
	relay/imap_fetch.c relay/imap_fetch.h \
	relay/imap_input.c relay/imap_input.h \
	relay/imap_list.c relay/imap_list.h \
	relay/imap_login.c relay/imap_login.h \
	relay/imap_value.c relay/imap_value.h

noinst_LIBRARIES += relay/libmigrate.a
relay_libmigrate_a_SOURCES = relay/migrate.h \
	relay/migrate_box.c relay/migrate_bring.c relay/migrate_flags.c \
	relay/migrate_job.c relay/migrate_map.c relay/migrate_step.c relay/migrate_tell.c \
	relay/migrate_state.c relay/migrate_state.h

# The manager of what is collected.
noinst_LIBRARIES += relay/libcollect.a
relay_libcollect_a_SOURCES = \
	relay/collect.c relay/collect.h \
	relay/collect_accounts.c relay/collect_ctl.c relay/collect_list.c \
	relay/collect_queue.c relay/collect_run.c relay/collect_say.c \
	relay/collect_turn.c \
	relay/collect_journal.c relay/collect_journal.h relay/collect_line.c

# Brings the mail of one account at a provider.
noinst_LIBRARIES += relay/libfetch.a
relay_libfetch_a_SOURCES = relay/fetch.h \
	relay/fetch_connect.c relay/fetch_connect.h \
	relay/fetch_file.c relay/fetch_file.h \
	relay/fetch_imap.c relay/fetch_messages.c relay/fetch_pop3.c \
	relay/fetch_run.c relay/fetch_talk.c
pkglibexec_PROGRAMS += relay/collect relay/fetch
relay_collect_SOURCES = relay/collect_main.c
relay_collect_LDADD = relay/libcollect.a $(LINKS) $(SERVER) $(MAIL) $(MAP) \
	$(NET) $(BASE) $(SERVER_LIBS) $(CDB_LIBS) $(OPENSSL_LIBS)
relay_fetch_SOURCES = relay/fetch_main.c
relay_fetch_LDADD = relay/libfetch.a relay/libpop3.a relay/libimap.a \
	relay/libsasl.a $(LINKS) $(SERVER) $(MAIL) $(NET) $(BASE) \
	$(GSASL_LIBS) $(IDN2_LIBS) $(OPENSSL_LIBS) $(SERVER_LIBS)

pkglibexec_PROGRAMS += relay/resolve relay/relay relay/migrate
relay_migrate_SOURCES = relay/migrate_main.c
relay_migrate_LDADD = relay/libmigrate.a relay/libimap.a \
	relay/libsasl.a $(SERVER) \
	$(MAIL) $(NET) $(BASE) $(GSASL_LIBS) $(OPENSSL_LIBS) $(SERVER_LIBS)
relay_resolve_SOURCES = relay/resolve_main.c
# libunbound works on libevent, and libev.so brings functions of libevent's
# names, which would be taken for them: libev comes from its archive here, and
# none of its names are seen by shared libraries.
relay_resolve_LDADD = relay/libresolve.a $(LINKS) $(SERVER) $(MAIL) \
	$(NET) $(BASE) $(UNBOUND_LIBS) $(SECCOMP_LIBS) \
	-l:libev.a -lm
relay_resolve_LDFLAGS = $(AM_LDFLAGS) -Wl,--exclude-libs,libev.a
relay_relay_SOURCES = relay/main.c
# What a host's name is, resolve knows.
relay_relay_LDADD = relay/librelay.a relay/libsasl.a relay/libresolve.a $(LINKS) $(SERVER) \
	$(MAIL) $(NET) $(BASE) $(GSASL_LIBS) $(OPENSSL_LIBS) $(SERVER_LIBS)

# Tries a login at a provider, for rohrpost, which is root.
pkglibexec_PROGRAMS += relay/trial
relay_trial_SOURCES = relay/trial_main.c relay/trial.c relay/trial_box.c \
	relay/trial.h
relay_trial_LDADD = relay/librelay.a relay/libresolve.a relay/libimap.a \
	relay/libpop3.a relay/libsasl.a $(LINKS) $(SERVER) $(MAIL) $(NET) $(BASE) \
	$(GSASL_LIBS) $(OPENSSL_LIBS) $(SERVER_LIBS)
