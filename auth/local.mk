# auth: who may log in; login: TLS and the dialogue before the login.
noinst_LIBRARIES += auth/libauth.a
auth_libauth_a_SOURCES = \
	auth/remote.c auth/remote.h \
	auth/auth_hash.c auth/auth_hash.h \
	auth/auth_hashes.c auth/auth_hashes.h \
	auth/auth_learned.c auth/auth_learned.h \
	auth/auth_delay.c auth/auth_delay.h \
	auth/auth_cache.c auth/auth_cache.h \
	auth/auth_pool.c auth/auth_pool.h \
	auth/auth_bound.c auth/auth_bound.h \
	auth/auth_pam.c auth/auth_pam.h \
	auth/auth_users.c auth/auth_users.h \
	auth/auth_request.c auth/auth_request.h \
	auth/auth_serve.c auth/auth_serve.h

pkglibexec_PROGRAMS += auth/auth
auth_auth_SOURCES = auth/auth_main.c
AUTH_LIBS = $(LINKS) $(SERVER) $(MAIL) $(NET) $(MAP) $(BASE) $(EV_LIBS) \
	$(CDB_LIBS) $(CRYPT_LIBS) $(GSASL_LIBS) $(IDN2_LIBS) $(OPENSSL_LIBS) \
	$(SECCOMP_LIBS)
auth_auth_LDADD = auth/libauth.a $(AUTH_LIBS)

noinst_LIBRARIES += auth/libpamask.a
auth_libpamask_a_SOURCES = auth/pam_ask.c auth/pam_ask.h

pkglibexec_PROGRAMS += auth/pam
auth_pam_SOURCES = auth/pam_main.c
PAM_ASK_LIBS = $(SERVER) $(MAIL) $(NET) $(BASE) $(SERVER_LIBS) $(PAM_LIBS)
auth_pam_LDADD = auth/libpamask.a $(PAM_ASK_LIBS)

noinst_LIBRARIES += auth/liblogin.a
auth_liblogin_a_SOURCES = \
	auth/remote.c auth/remote.h \
	auth/login_talk.c auth/login_talk.h \
	auth/login_args.c auth/login_args.h \
	auth/login_imap.c auth/login_imap.h \
	auth/login_pop3.c auth/login_pop3.h \
	auth/login_io.c auth/login_io.h \
	auth/login_count.c auth/login_count.h \
	auth/login_client.c auth/login_client.h \
	auth/login_events.c auth/login_events.h \
	auth/login_dialogue.c auth/login_dialogue.h \
	auth/login_proxy.c auth/login_proxy.h \
	auth/login_auth.c auth/login_auth.h \
	auth/login_server.c auth/login_server.h

pkglibexec_PROGRAMS += auth/login
auth_login_SOURCES = auth/login_main.c
LOGIN_LIBS = $(LINKS) $(SERVER) $(MAIL) $(NET) $(BASE) $(EV_LIBS) $(OPENSSL_LIBS) \
	$(SECCOMP_LIBS)
auth_login_LDADD = auth/liblogin.a $(LOGIN_LIBS)
