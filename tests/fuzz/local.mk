# One target per parser, linked to the real archives.
if FUZZ
FUZZING = $(AM_LDFLAGS) -fsanitize=fuzzer
include tests/fuzz/imapd.mk
noinst_PROGRAMS += tests/fuzz/fuzz_mime tests/fuzz/fuzz_addresses
tests_fuzz_fuzz_mime_SOURCES = tests/fuzz/fuzz_mime.c
tests_fuzz_fuzz_mime_LDADD = $(MAIL) $(BASE)
tests_fuzz_fuzz_mime_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_addresses_SOURCES = tests/fuzz/fuzz_addresses.c
tests_fuzz_fuzz_addresses_LDADD = $(MAIL) $(BASE)
tests_fuzz_fuzz_addresses_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_address tests/fuzz/fuzz_header
tests_fuzz_fuzz_address_SOURCES = tests/fuzz/fuzz_address.c
tests_fuzz_fuzz_address_LDADD = $(MAIL) $(NET) $(BASE) $(IDN2_LIBS)
tests_fuzz_fuzz_address_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_header_SOURCES = tests/fuzz/fuzz_header.c
tests_fuzz_fuzz_header_LDADD = $(MAIL) $(BASE)
tests_fuzz_fuzz_header_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_smtp_reply tests/fuzz/fuzz_mx \
	tests/fuzz/fuzz_smtp_data
tests_fuzz_fuzz_smtp_reply_SOURCES = tests/fuzz/fuzz_smtp_reply.c
tests_fuzz_fuzz_smtp_reply_LDADD = relay/librelay.a $(MAIL) $(BASE)
tests_fuzz_fuzz_smtp_reply_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_mx_SOURCES = tests/fuzz/fuzz_mx.c
tests_fuzz_fuzz_mx_LDADD = relay/libresolve.a $(BASE)
tests_fuzz_fuzz_mx_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_smtp_data_SOURCES = tests/fuzz/fuzz_smtp_data.c
tests_fuzz_fuzz_smtp_data_LDADD = relay/librelay.a relay/libsasl.a $(BASE)
tests_fuzz_fuzz_smtp_data_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_mbox tests/fuzz/fuzz_uidlist
tests_fuzz_fuzz_mbox_SOURCES = tests/fuzz/fuzz_mbox.c
tests_fuzz_fuzz_mbox_LDADD = ctl/libctl.a $(MAIL) $(BASE)
tests_fuzz_fuzz_mbox_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_uidlist_SOURCES = tests/fuzz/fuzz_uidlist.c
tests_fuzz_fuzz_uidlist_LDADD = ctl/libctl.a $(MAIL) $(BASE)
tests_fuzz_fuzz_uidlist_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_admin
tests_fuzz_fuzz_admin_SOURCES = tests/fuzz/fuzz_admin.c
tests_fuzz_fuzz_admin_LDADD = ctl/libadmin.a $(MAIL) $(BASE)
tests_fuzz_fuzz_admin_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_multidrop
tests_fuzz_fuzz_multidrop_SOURCES = tests/fuzz/fuzz_multidrop.c
tests_fuzz_fuzz_multidrop_LDADD = $(MAIL) $(NET) $(BASE) $(IDN2_LIBS)
tests_fuzz_fuzz_multidrop_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_expiry
tests_fuzz_fuzz_expiry_SOURCES = tests/fuzz/fuzz_expiry.c
tests_fuzz_fuzz_expiry_LDADD = $(MAIL) $(BASE)
tests_fuzz_fuzz_expiry_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_packed tests/fuzz/fuzz_spf
tests_fuzz_fuzz_spf_SOURCES = tests/fuzz/fuzz_spf.c
tests_fuzz_fuzz_spf_LDADD = $(MAIL) $(BASE)
tests_fuzz_fuzz_spf_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_packed_SOURCES = tests/fuzz/fuzz_packed.c
tests_fuzz_fuzz_packed_LDADD = $(MAIL) $(BASE)
tests_fuzz_fuzz_packed_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_settings
tests_fuzz_fuzz_settings_SOURCES = tests/fuzz/fuzz_settings.c
tests_fuzz_fuzz_settings_LDADD = $(SERVER) $(BASE)
tests_fuzz_fuzz_settings_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_login_imap tests/fuzz/fuzz_login_pop3 \
	tests/fuzz/fuzz_pop3d
tests_fuzz_fuzz_login_imap_SOURCES = tests/fuzz/fuzz_login_imap.c \
	tests/fuzz/fuzz_login.c tests/fuzz/fuzz_login.h
tests_fuzz_fuzz_login_imap_LDADD = auth/liblogin.a $(MAIL) $(BASE)
tests_fuzz_fuzz_login_imap_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_login_pop3_SOURCES = tests/fuzz/fuzz_login_pop3.c \
	tests/fuzz/fuzz_login.c tests/fuzz/fuzz_login.h
tests_fuzz_fuzz_login_pop3_LDADD = auth/liblogin.a $(MAIL) $(BASE)
tests_fuzz_fuzz_login_pop3_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_pop3d_SOURCES = tests/fuzz/fuzz_pop3d.c
tests_fuzz_fuzz_pop3d_LDADD = pop3d/libpop3d.a $(MAIL) $(BASE)
tests_fuzz_fuzz_pop3d_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_tables_text tests/fuzz/fuzz_answers \
	tests/fuzz/fuzz_tables_cdb
FUZZ_CTL_LIBS = ctl/libctl.a $(SIEVE) $(SERVER) $(MAIL) $(NET) $(MAP) $(BASE) \
	$(OPENSSL_LIBS) $(CDB_LIBS) $(IDN2_LIBS) $(CRYPT_LIBS) $(GSASL_LIBS) \
	$(UNBOUND_LIBS) $(SECCOMP_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_find
tests_fuzz_fuzz_find_SOURCES = tests/fuzz/fuzz_find.c
tests_fuzz_fuzz_find_LDADD = ctl/libctl.a $(SIEVE) $(SERVER) $(MAIL) $(NET) $(BASE) \
	$(IDN2_LIBS) $(OPENSSL_LIBS)
tests_fuzz_fuzz_find_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_dns_rr
tests_fuzz_fuzz_dns_rr_SOURCES = tests/fuzz/fuzz_dns_rr.c
tests_fuzz_fuzz_dns_rr_LDADD = ctl/libctl.a $(BASE)
tests_fuzz_fuzz_dns_rr_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_tables_text_SOURCES = tests/fuzz/fuzz_tables_text.c
tests_fuzz_fuzz_tables_text_LDADD = $(FUZZ_CTL_LIBS)
tests_fuzz_fuzz_tables_text_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_answers_SOURCES = tests/fuzz/fuzz_answers.c
tests_fuzz_fuzz_answers_LDADD = $(FUZZ_CTL_LIBS)
tests_fuzz_fuzz_answers_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_tables_cdb_SOURCES = tests/fuzz/fuzz_tables_cdb.c
tests_fuzz_fuzz_tables_cdb_LDADD = $(FUZZ_CTL_LIBS)
tests_fuzz_fuzz_tables_cdb_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_smtp_command tests/fuzz/fuzz_smtp_scan
tests_fuzz_fuzz_smtp_command_SOURCES = tests/fuzz/fuzz_smtp_command.c
tests_fuzz_fuzz_smtp_command_LDADD = smtpd/libsmtpd.a $(LINKS) $(MAIL) \
	$(NET) $(MAP) $(BASE) $(OPENSSL_LIBS) $(IDN2_LIBS) $(CDB_LIBS)
tests_fuzz_fuzz_smtp_command_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_smtp_scan_SOURCES = tests/fuzz/fuzz_smtp_scan.c
tests_fuzz_fuzz_smtp_scan_LDADD = smtpd/libsmtpd.a $(BASE)
tests_fuzz_fuzz_smtp_scan_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_smtp_body tests/fuzz/fuzz_mend
tests_fuzz_fuzz_mend_SOURCES = tests/fuzz/fuzz_mend.c
tests_fuzz_fuzz_mend_LDADD = smtpd/libsmtpd.a $(MAIL) $(BASE)
tests_fuzz_fuzz_mend_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_smtp_body_SOURCES = tests/fuzz/fuzz_smtp_body.c
tests_fuzz_fuzz_smtp_body_LDADD = $(tests_fuzz_fuzz_smtp_command_LDADD)
tests_fuzz_fuzz_smtp_body_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_drop
tests_fuzz_fuzz_drop_SOURCES = tests/fuzz/fuzz_drop.c
tests_fuzz_fuzz_drop_LDADD = $(MAIL) $(BASE)
tests_fuzz_fuzz_drop_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_queue_record tests/fuzz/fuzz_notes
tests_fuzz_fuzz_notes_SOURCES = tests/fuzz/fuzz_notes.c
tests_fuzz_fuzz_notes_LDADD = $(MAIL) $(BASE)
tests_fuzz_fuzz_notes_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_dkim
tests_fuzz_fuzz_dkim_SOURCES = tests/fuzz/fuzz_dkim.c
tests_fuzz_fuzz_dkim_LDADD = $(MAIL) $(BASE) $(OPENSSL_LIBS)
tests_fuzz_fuzz_dkim_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_rate
tests_fuzz_fuzz_rate_SOURCES = tests/fuzz/fuzz_rate.c
tests_fuzz_fuzz_rate_LDADD = master/libmaster.a $(SERVER) $(BASE)
tests_fuzz_fuzz_rate_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_queue_record_SOURCES = tests/fuzz/fuzz_queue_record.c
tests_fuzz_fuzz_queue_record_LDADD = queue/libqueue.a $(MAIL) $(BASE)
tests_fuzz_fuzz_queue_record_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_mailboxes tests/fuzz/fuzz_flags \
	tests/fuzz/fuzz_door
tests_fuzz_fuzz_mailboxes_SOURCES = tests/fuzz/fuzz_mailboxes.c
tests_fuzz_fuzz_mailboxes_LDADD = store/libstore.a $(MAIL) $(BASE)
tests_fuzz_fuzz_mailboxes_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_flags_SOURCES = tests/fuzz/fuzz_flags.c
tests_fuzz_fuzz_flags_LDADD = store/libstore.a $(MAIL) $(BASE)
tests_fuzz_fuzz_flags_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_door_SOURCES = tests/fuzz/fuzz_door.c
tests_fuzz_fuzz_door_LDADD = $(MAIL) $(BASE)
tests_fuzz_fuzz_door_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_frames tests/fuzz/fuzz_addr \
	tests/fuzz/fuzz_relay_client tests/fuzz/fuzz_route \
	tests/fuzz/fuzz_auth tests/fuzz/fuzz_smtp_auth \
	tests/fuzz/fuzz_sendmail tests/fuzz/fuzz_date tests/fuzz/fuzz_seven \
	tests/fuzz/fuzz_lines
tests_fuzz_fuzz_lines_SOURCES = tests/fuzz/fuzz_lines.c
tests_fuzz_fuzz_lines_LDADD = $(MAIL) $(BASE)
tests_fuzz_fuzz_lines_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_seven_SOURCES = tests/fuzz/fuzz_seven.c
tests_fuzz_fuzz_seven_LDADD = relay/librelay.a relay/libsasl.a $(MAIL) $(BASE)
tests_fuzz_fuzz_seven_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_frames_SOURCES = tests/fuzz/fuzz_frames.c \
	tests/fuzz/fuzz_pair.h
tests_fuzz_fuzz_frames_LDADD = $(SERVER) $(MAIL) $(BASE)
tests_fuzz_fuzz_frames_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_addr_SOURCES = tests/fuzz/fuzz_addr.c
tests_fuzz_fuzz_addr_LDADD = $(NET) $(BASE)
tests_fuzz_fuzz_addr_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_relay_client_SOURCES = tests/fuzz/fuzz_relay_client.c \
	tests/fuzz/fuzz_pair.h
tests_fuzz_fuzz_relay_client_LDADD = relay/librelay.a relay/libsasl.a $(MAIL) $(NET) $(BASE) \
	$(OPENSSL_LIBS)
tests_fuzz_fuzz_relay_client_LDFLAGS = $(FUZZING) -Wl,--wrap=poll
noinst_PROGRAMS += tests/fuzz/fuzz_imap_client tests/fuzz/fuzz_csv \
	tests/fuzz/fuzz_migrate
tests_fuzz_fuzz_csv_SOURCES = tests/fuzz/fuzz_csv.c
tests_fuzz_fuzz_csv_LDADD = ctl/libctl.a $(BASE)
tests_fuzz_fuzz_csv_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_migrate_SOURCES = tests/fuzz/fuzz_migrate.c
tests_fuzz_fuzz_migrate_LDADD = relay/libmigrate.a $(BASE)
tests_fuzz_fuzz_migrate_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_journal
tests_fuzz_fuzz_journal_SOURCES = tests/fuzz/fuzz_journal.c
tests_fuzz_fuzz_journal_LDADD = relay/libcollect.a $(MAIL) $(BASE)
tests_fuzz_fuzz_journal_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_pop3_client
tests_fuzz_fuzz_pop3_client_SOURCES = tests/fuzz/fuzz_pop3_client.c \
	tests/fuzz/fuzz_talk.c tests/fuzz/fuzz_talk.h tests/fuzz/fuzz_pair.h
tests_fuzz_fuzz_pop3_client_LDADD = relay/libpop3.a relay/libsasl.a $(NET) \
	$(BASE) $(GSASL_LIBS) $(OPENSSL_LIBS)
tests_fuzz_fuzz_pop3_client_LDFLAGS = $(FUZZING) -Wl,--wrap=poll
tests_fuzz_fuzz_imap_client_SOURCES = tests/fuzz/fuzz_imap_client.c \
	tests/fuzz/fuzz_talk.c tests/fuzz/fuzz_talk.h tests/fuzz/fuzz_pair.h
tests_fuzz_fuzz_imap_client_LDADD = relay/libimap.a relay/libsasl.a $(MAIL) \
	$(NET) $(BASE) \
	$(GSASL_LIBS) $(OPENSSL_LIBS)
tests_fuzz_fuzz_imap_client_LDFLAGS = $(FUZZING) -Wl,--wrap=poll
tests_fuzz_fuzz_route_SOURCES = tests/fuzz/fuzz_route.c tests/fuzz/fuzz_pair.h
tests_fuzz_fuzz_route_LDADD = relay/librelay.a relay/libsasl.a relay/libresolve.a $(LINKS) \
	$(MAIL) $(NET) $(BASE)
tests_fuzz_fuzz_route_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_auth_SOURCES = tests/fuzz/fuzz_auth.c
tests_fuzz_fuzz_auth_LDADD = auth/libauth.a $(MAIL) $(MAP) $(BASE) \
	$(CDB_LIBS) $(CRYPT_LIBS) $(GSASL_LIBS) $(IDN2_LIBS) $(OPENSSL_LIBS)
tests_fuzz_fuzz_auth_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_smtp_auth_SOURCES = tests/fuzz/fuzz_smtp_auth.c \
	tests/fuzz/fuzz_pair.h
tests_fuzz_fuzz_smtp_auth_LDADD = $(tests_fuzz_fuzz_smtp_command_LDADD)
tests_fuzz_fuzz_smtp_auth_LDFLAGS = $(FUZZING) -Wl,--wrap=log_info
tests_fuzz_fuzz_sendmail_SOURCES = tests/fuzz/fuzz_sendmail.c
tests_fuzz_fuzz_sendmail_LDADD = ctl/libsendmail.a $(FUZZ_CTL_LIBS)
tests_fuzz_fuzz_sendmail_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_date_SOURCES = tests/fuzz/fuzz_date.c
tests_fuzz_fuzz_date_LDADD = $(FUZZ_IMAPD_LIBS)
tests_fuzz_fuzz_date_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_author
tests_fuzz_fuzz_author_SOURCES = tests/fuzz/fuzz_author.c tests/fuzz/author.h
tests_fuzz_fuzz_author_LDADD = smtpd/libsmtpd.a $(MAIL) $(BASE) $(IDN2_LIBS)
tests_fuzz_fuzz_author_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_sieve
tests_fuzz_fuzz_sieve_SOURCES = tests/fuzz/fuzz_sieve.c
tests_fuzz_fuzz_sieve_LDADD = $(SIEVE) $(MAIL) $(NET) $(BASE) $(IDN2_LIBS)
tests_fuzz_fuzz_sieve_LDFLAGS = $(FUZZING)
endif
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/sieve.dict
