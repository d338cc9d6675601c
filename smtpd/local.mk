noinst_LIBRARIES += smtpd/libsmtpd.a
smtpd_libsmtpd_a_SOURCES = smtpd/smtpd.c smtpd/smtpd.h \
	smtpd/smtpd_session.c smtpd/smtpd_session.h \
	smtpd/smtpd_command.c smtpd/smtpd_command.h \
	smtpd/cmd_session.c smtpd/cmd_mail.c smtpd/cmd_data.c \
	smtpd/cmd_auth.c \
	smtpd/smtpd_check.c smtpd/smtpd_check.h smtpd/check_table.c \
	smtpd/check_client.c smtpd/check_address.c smtpd/check_header.c smtpd/check_from.c \
	smtpd/check_sign.c \
	smtpd/smtpd_reply.c smtpd/smtpd_reply.h \
	smtpd/smtpd_ext.c smtpd/smtpd_ext.h \
	smtpd/smtpd_scan.c smtpd/smtpd_scan.h \
	smtpd/smtpd_body.c smtpd/smtpd_body.h \
	smtpd/smtpd_file.c smtpd/smtpd_file.h \
	smtpd/smtpd_trace.c smtpd/smtpd_trace.h \
	smtpd/smtpd_author.c smtpd/smtpd_author.h \
	smtpd/smtpd_mend.c smtpd/smtpd_mend.h \
	smtpd/smtpd_local.c smtpd/smtpd_local.h
pkglibexec_PROGRAMS += smtpd/smtpd
smtpd_smtpd_SOURCES = smtpd/main.c
smtpd_smtpd_LDADD = smtpd/libsmtpd.a $(LINKS) $(SERVER) $(MAIL) $(NET) $(MAP) $(BASE) \
	$(SERVER_LIBS) $(OPENSSL_LIBS) $(IDN2_LIBS) $(CDB_LIBS)

# signer: the keys of DKIM.
noinst_LIBRARIES += smtpd/libsigner.a
smtpd_libsigner_a_SOURCES = smtpd/signer.c smtpd/signer.h \
	smtpd/signer_key.c smtpd/signer_key.h
pkglibexec_PROGRAMS += smtpd/signer
smtpd_signer_SOURCES = smtpd/signer_main.c
smtpd_signer_LDADD = smtpd/libsigner.a smtpd/libsmtpd.a $(LINKS) $(SERVER) $(MAIL) $(NET) $(MAP) $(BASE) \
	$(SERVER_LIBS) $(OPENSSL_LIBS) $(IDN2_LIBS) $(CDB_LIBS)
