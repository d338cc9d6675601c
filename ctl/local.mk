noinst_LIBRARIES += ctl/libctl.a
ctl_libctl_a_SOURCES = \
	ctl/ctl_name.c ctl/ctl_name.h \
	ctl/ctl_pam.c ctl/ctl_pam.h \
	ctl/ctl_row.c ctl/ctl_row.h ctl/ctl_text.c ctl/ctl_text.h \
	ctl/ctl_set.c ctl/ctl_set.h ctl/ctl_check.c ctl/ctl_check.h \
	ctl/ctl_compile.c ctl/ctl_compile.h \
	ctl/ctl_commit.c ctl/ctl_commit.h \
	ctl/ctl_table.c ctl/ctl_table.h \
	ctl/table_domains.c ctl/table_domains.h ctl/table_users.c \
	ctl/table_passwd.c ctl/table_aliases.c ctl/table_aliases.h \
	ctl/ctl_hash.c ctl/ctl_hash.h \
	ctl/import.h ctl/import_row.c ctl/cmd_import.c ctl/cmd_quota.c \
	ctl/ctl_heading.c ctl/ctl_heading.h \
	ctl/ctl_reply.c ctl/ctl_reply.h \
	ctl/ctl_left.c ctl/ctl_left.h \
	ctl/ctl_out.c ctl/ctl_out.h ctl/ctl_record.c ctl/ctl_record.h \
	ctl/ctl_answers.c ctl/ctl_answers.h \
	ctl/ctl_conf.c ctl/ctl_conf.h \
	ctl/ctl_cert.c ctl/ctl_cert.h ctl/ctl_renew.c ctl/ctl_renew.h \
	ctl/ctl_family.c ctl/ctl_family.h \
	ctl/ctl_keys.c ctl/ctl_keys.h \
	ctl/ctl_system.c ctl/ctl_system.h \
	ctl/ctl_control.c ctl/ctl_control.h ctl/ctl_door.c ctl/ctl_door.h \
	ctl/ctl_inbox.c ctl/ctl_inbox.h \
	ctl/ctl_ask.c ctl/ctl_ask.h \
	ctl/ctl_admin.c ctl/ctl_admin.h ctl/admin_ask.c ctl/admin_ask.h \
	ctl/ctl_util.c ctl/ctl_util.h ctl/ctl_audit.c ctl/ctl_audit.h \
	ctl/ctl.h ctl/ctl_command.c ctl/ctl_command.h ctl/ctl_completion.c \
	ctl/setup.h \
	ctl/setup_ask.c ctl/setup_ask.h \
	ctl/setup_judge.c ctl/setup_judge.h \
	ctl/setup_tables.c ctl/setup_tables.h \
	ctl/setup_conf.c ctl/setup_conf.h \
	ctl/setup_small.c ctl/setup_small.h \
	ctl/setup_check.c ctl/setup_check.h \
	ctl/host_address.c ctl/host_address.h ctl/host_lease.c \
	ctl/find.h ctl/find_net.c ctl/find_net.h ctl/find_profile.c \
	ctl/find_server.c ctl/find_srv.c ctl/find_srv.h \
	ctl/find_autoconfig.c ctl/find_autoconfig.h \
	ctl/find_pack.c ctl/find_pack.h ctl/find_child.c ctl/find_child.h \
	ctl/find_domain.c ctl/find_login.c ctl/find_preset.c \
	ctl/find_preset.h ctl/find_provider.c \
	ctl/dns_host.c ctl/dns_host.h ctl/dns_key.c ctl/dns_key.h \
	ctl/dns_record.c ctl/dns_record.h ctl/cmd_dns.c \
	ctl/dns_ask.c ctl/dns_ask.h ctl/dns_rr.c ctl/dns_rr.h \
	ctl/dns_contact.c ctl/dns_contact.h ctl/dns_dmarc.c ctl/dns_dmarc.h \
	ctl/dns_finding.c ctl/dns_finding.h \
	ctl/dns_check.c ctl/dns_check.h ctl/dns_check_base.c \
	ctl/dns_check_mx.c \
	ctl/dns_check_policy.c ctl/dns_check_srv.c \
	ctl/dns_domains.c ctl/dns_domains.h ctl/doctor.h ctl/doctor_disk.c \
	ctl/doctor_host.c ctl/doctor_net.c ctl/doctor_port25.c \
	ctl/doctor_hairpin.c ctl/doctor_probe.c ctl/cmd_probe.c \
	ctl/probe_ask.c ctl/probe_ask.h \
	ctl/cmd_doctor.c \
	ctl/explain.c ctl/explain.h ctl/explain_route.c ctl/cmd_explain.c \
	ctl/commands.c ctl/commands.h \
	ctl/cmd_table.c ctl/cmd_table.h ctl/cmd_user.c ctl/cmd_user_del.c ctl/cmd_user_rename.c \
	ctl/table_renamed.c ctl/table_renamed.h ctl/cmd_user.h \
	ctl/cmd_config.c ctl/cmd_config.h ctl/cmd_config_explain.c \
	ctl/ctl_near.c ctl/ctl_near.h ctl/ctl_unit.c ctl/ctl_unit.h \
	ctl/cmd_session.c ctl/cmd_session.h \
	ctl/cmd_app.c ctl/cmd_setup.c ctl/cmd_purge.c ctl/cmd_service.c ctl/cmd_status.c ctl/status_rows.c \
	ctl/status_rows.h ctl/cmd_queue.c \
	ctl/ctl_csv.c ctl/ctl_csv.h ctl/ctl_worker.c ctl/ctl_worker.h \
	ctl/migrate.h ctl/migrate_open.c ctl/migrate_read.c \
	ctl/migrate_report.c ctl/migrate_run.c ctl/cmd_migrate.c \
	ctl/cmd_mailbox.c ctl/cmd_mailbox_import.c ctl/cmd_mailbox_export.c \
	ctl/box_export.c ctl/box_export.h ctl/box_export_maildir.c \
	ctl/box_export_mbox.c ctl/box_ids.c ctl/box_ids.h \
	ctl/box_open.c ctl/box_open.h ctl/box_put.c ctl/box_put.h \
	ctl/box_dovecot.c ctl/box_dovecot.h ctl/box_mbox.c ctl/box_mbox.h \
	ctl/box_source.c ctl/box_source.h ctl/box_maildir.c \
	ctl/box_import_mbox.c ctl/cmd_sieve.c ctl/cmd_sieve.h \
	ctl/cmd_store.c ctl/cmd_trace.c ctl/cmd_selftest.c ctl/cmd_selftest_relay.c \
	ctl/selftest_instance.c ctl/selftest_instance.h \
	ctl/selftest_report.c ctl/selftest_report.h

# What setup shows and writes.
ctl_libctl_a_SOURCES += ctl/setup_show.c ctl/setup_show.h \
	ctl/setup_run.c ctl/setup_run.h ctl/ctl_diff.c ctl/ctl_diff.h \
	ctl/cmd_profile.c ctl/cmd_profile.h

# Its conversation, and its end.
ctl_libctl_a_SOURCES += ctl/setup_talk.c ctl/setup_talk.h \
	ctl/setup_kept.c ctl/setup_kept.h ctl/setup_now.c ctl/setup_now.h \
	ctl/setup_facts.c ctl/setup_facts.h \
	ctl/setup_provider.c ctl/setup_provider.h \
	ctl/setup_mail.c ctl/setup_mail.h ctl/setup_end.c ctl/setup_end.h \
	ctl/setup_phones.c ctl/setup_phones.h ctl/cmd_dns.h \
	ctl/setup_collect.c ctl/setup_collect.h

# Keys of DKIM.
ctl_libctl_a_SOURCES += ctl/cmd_collect.c ctl/cmd_dkim.c ctl/cmd_dkim.h \
	ctl/table_collect.c ctl/table_collect.h ctl/table_dkim.c ctl/table_dkim.h

# Groups, and what accounts are granted.
ctl_libctl_a_SOURCES += ctl/cmd_group.c ctl/table_groups.c ctl/table_groups.h \
	ctl/ctl_grants.c ctl/ctl_grants.h ctl/ctl_granted.c ctl/ctl_granted.h

sbin_PROGRAMS += ctl/rohrpost
ctl_rohrpost_SOURCES = ctl/main.c
# Without libev.so, whose functions libunbound would take for libevent's
# (relay/local.mk).
ctl_rohrpost_LDADD = ctl/libctl.a $(SIEVE) $(SERVER) $(MAIL) $(NET) $(MAP) $(BASE) \
	$(OPENSSL_LIBS) $(CDB_LIBS) $(IDN2_LIBS) $(CRYPT_LIBS) $(GSASL_LIBS) \
	$(UNBOUND_LIBS) $(SECCOMP_LIBS)

# Asks the network for rohrpost, which is root.
pkglibexec_PROGRAMS += ctl/scout
ctl_scout_SOURCES = ctl/scout.h ctl/scout_main.c ctl/scout_domain.c \
	ctl/scout_web.c
ctl_scout_LDADD = ctl/libctl.a $(SIEVE) $(SERVER) $(MAIL) $(NET) $(MAP) $(BASE) \
	$(CURL_LIBS) $(OPENSSL_LIBS) $(CDB_LIBS) $(IDN2_LIBS) $(CRYPT_LIBS) \
	$(GSASL_LIBS) $(UNBOUND_LIBS) $(SECCOMP_LIBS)

noinst_LIBRARIES += ctl/libsendmail.a
ctl_libsendmail_a_SOURCES = ctl/sendmail.h \
	ctl/sendmail_drop.c ctl/sendmail_drop.h \
	ctl/sendmail_message.c ctl/sendmail_message.h \
	ctl/sendmail_operate.c ctl/sendmail_operate.h \
	ctl/sendmail_options.c ctl/sendmail_options.h \
	ctl/sendmail_smtp.c ctl/sendmail_smtp.h

# pickup sends what sendmail has left.
noinst_LIBRARIES += ctl/libpickup.a
ctl_libpickup_a_SOURCES = ctl/pickup.c ctl/pickup.h \
	ctl/pickup_report.c ctl/pickup_report.h
pkglibexec_PROGRAMS += ctl/pickup
ctl_pickup_SOURCES = ctl/pickup_main.c
ctl_pickup_LDADD = ctl/libpickup.a ctl/libsendmail.a ctl/libctl.a $(SIEVE) $(SERVER) \
	$(MAIL) $(NET) $(MAP) $(BASE) $(OPENSSL_LIBS) $(CDB_LIBS) $(IDN2_LIBS) \
	$(CRYPT_LIBS) $(GSASL_LIBS) $(SERVER_LIBS)

# admin runs commands of those who administer a domain.
noinst_LIBRARIES += ctl/libadmin.a
ctl_libadmin_a_SOURCES = ctl/admin.c ctl/admin.h \
	ctl/admin_request.c ctl/admin_request.h
pkglibexec_PROGRAMS += ctl/admin
ctl_admin_SOURCES = ctl/admin_main.c
ctl_admin_LDADD = ctl/libadmin.a ctl/libctl.a $(SIEVE) $(SERVER) \
	$(MAIL) $(NET) $(MAP) $(BASE) $(OPENSSL_LIBS) $(CDB_LIBS) $(IDN2_LIBS) \
	$(CRYPT_LIBS) $(GSASL_LIBS) $(UNBOUND_LIBS) $(SERVER_LIBS)

sbin_PROGRAMS += ctl/sendmail
ctl_sendmail_SOURCES = ctl/sendmail_main.c
ctl_sendmail_LDADD = ctl/libsendmail.a ctl/libctl.a $(SIEVE) $(SERVER) $(MAIL) \
	$(NET) $(MAP) $(BASE) $(OPENSSL_LIBS) $(CDB_LIBS) $(IDN2_LIBS) \
	$(CRYPT_LIBS) $(GSASL_LIBS) $(EV_LIBS)

# The other names of sendmail, where a user's PATH has them.
SENDMAIL_LINKS = mailq newaliases
install-exec-hook:
	$(MKDIR_P) '$(DESTDIR)$(bindir)'
	for n in $(SENDMAIL_LINKS); do \
	    ln -sf '$(sbindir)/sendmail' '$(DESTDIR)$(bindir)/'$$n || exit 1; \
	done
uninstall-hook:
	for n in $(SENDMAIL_LINKS); do \
	    rm -f '$(DESTDIR)$(bindir)/'$$n; \
	done

bashcompdir = $(datadir)/bash-completion/completions
nodist_bashcomp_DATA = ctl/completion/rohrpost
CLEANFILES += ctl/completion/rohrpost
ctl/completion/rohrpost: ctl/rohrpost$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) ctl/completion && \
	    ctl/rohrpost$(EXEEXT) completion bash >$@.new && mv $@.new $@
