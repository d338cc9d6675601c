/*
 * The table of commands, and the functions and options that its rows name.
 */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "ctl/ctl.h"

extern const struct ctl_command ctl_commands[];	/* ends with .name NULL */

/* The slots of options; a command's only one has slot 0. */
enum { OPT_SETUP_ANSWERS, OPT_SETUP_DRY, OPT_SETUP_YES,
	OPT_SETUP_START };
enum { OPT_PROFILE_HOST, OPT_PROFILE_YES };
enum { OPT_SERVICE_FOREGROUND, OPT_SERVICE_DIRECT };
enum { OPT_USER_STDIN, OPT_USER_HASH, OPT_USER_QUOTA, OPT_USER_DISABLED,
	OPT_USER_ENABLED };
enum { OPT_DEL_MAIL, OPT_DEL_YES };
enum { OPT_ALIAS_OWNER };
enum { OPT_DOMAIN_QUOTA, OPT_DOMAIN_ADMINS };
enum { OPT_IMPORT_DRY };
enum { OPT_EXPORT_HASHES };
enum { OPT_COLLECT_PROTOCOL, OPT_COLLECT_TLS, OPT_COLLECT_KEEP,
	OPT_COLLECT_EVERY, OPT_COLLECT_LARGEST, OPT_COLLECT_FIELDS,
	OPT_COLLECT_NO_IDLE, OPT_COLLECT_OAUTH, OPT_COLLECT_STDIN };
enum { OPT_DKIM_SELECTOR, OPT_DKIM_TYPE, OPT_DKIM_BITS };

enum { OPT_SIEVE_FILE, OPT_SIEVE_FROM };
enum { OPT_EXPLAIN_FROM, OPT_EXPLAIN_IP, OPT_EXPLAIN_FILE };
enum { OPT_MIGRATE_CSV, OPT_MIGRATE_TLS, OPT_MIGRATE_CA, OPT_MIGRATE_INSECURE,
	OPT_MIGRATE_MASTER, OPT_MIGRATE_PASSWORD, OPT_MIGRATE_JOBS,
	OPT_MIGRATE_DELETE, OPT_MIGRATE_DRY };
enum { OPT_RELAY_AT, OPT_RELAY_PROBE, OPT_RELAY_DOMAIN };
enum { OPT_DOCTOR_ADDRESS, OPT_DOCTOR_REACH, OPT_DOCTOR_PROBE };
enum { OPT_BOX_EXPORT_MAILDIR, OPT_BOX_EXPORT_MBOX };
enum { OPT_BOX_IMPORT_MAILBOX, OPT_BOX_IMPORT_DRY };

/* The commands, by file: cmd_*.c, and ctl_completion.c. */
int	cmd_setup(struct ctl *);
int	cmd_profile_show(struct ctl *);
int	cmd_profile_set(struct ctl *);
int	cmd_start(struct ctl *);
int	cmd_stop(struct ctl *);
int	cmd_reload(struct ctl *);
int	cmd_status(struct ctl *);
int	cmd_apply(struct ctl *);
int	cmd_purge(struct ctl *);
int	cmd_domain_add(struct ctl *);
int	cmd_domain_del(struct ctl *);
int	cmd_domain_list(struct ctl *);
int	cmd_domain_set(struct ctl *);
int	cmd_group_add(struct ctl *);
int	cmd_group_del(struct ctl *);
int	cmd_group_set(struct ctl *);
int	cmd_group_member(struct ctl *);
int	cmd_group_list(struct ctl *);
int	cmd_user_add(struct ctl *);
int	cmd_user_del(struct ctl *);
int	cmd_user_rename(struct ctl *);
int	cmd_user_set(struct ctl *);
int	cmd_user_list(struct ctl *);
int	cmd_user_passwd(struct ctl *);
int	cmd_user_import(struct ctl *);
int	cmd_user_export(struct ctl *);
int	cmd_app_add(struct ctl *);
int	cmd_app_del(struct ctl *);
int	cmd_app_list(struct ctl *);
int	cmd_sieve_put(struct ctl *);
int	cmd_sieve_list(struct ctl *);
int	cmd_sieve_get(struct ctl *);
int	cmd_sieve_activate(struct ctl *);
int	cmd_sieve_del(struct ctl *);
int	cmd_sieve_test(struct ctl *);
int	cmd_alias_add(struct ctl *);
int	cmd_alias_del(struct ctl *);
int	cmd_alias_set(struct ctl *);
int	cmd_alias_list(struct ctl *);
int	cmd_dkim_new(struct ctl *);
int	cmd_dkim_activate(struct ctl *);
int	cmd_dkim_retire(struct ctl *);
int	cmd_dkim_show(struct ctl *);
int	cmd_collect_add(struct ctl *);
int	cmd_collect_del(struct ctl *);
int	cmd_collect_list(struct ctl *);
int	cmd_collect_test(struct ctl *);
int	cmd_collect_run(struct ctl *);
int	cmd_collect_confirm(struct ctl *);
int	cmd_collect_password(struct ctl *);
int	cmd_hash_check(struct ctl *);
int	cmd_session_list(struct ctl *);
int	cmd_session_kick(struct ctl *);
int	cmd_queue_list(struct ctl *);
int	cmd_queue_show(struct ctl *);
int	cmd_queue_retry(struct ctl *);
int	cmd_queue_hold(struct ctl *);
int	cmd_queue_release(struct ctl *);
int	cmd_queue_delete(struct ctl *);
int	cmd_quota_list(struct ctl *);
int	cmd_store_list(struct ctl *);
int	cmd_store_check(struct ctl *);
int	cmd_store_rebuild(struct ctl *);
int	cmd_migrate(struct ctl *);
int	cmd_mailbox_list(struct ctl *);
int	cmd_mailbox_show(struct ctl *);
int	cmd_mailbox_export(struct ctl *);
int	cmd_mailbox_import(struct ctl *);
int	cmd_trace(struct ctl *);
int	cmd_dns_show(struct ctl *);
int	cmd_dns_check(struct ctl *);
int	cmd_doctor(struct ctl *);
int	cmd_probe(struct ctl *);
int	cmd_explain(struct ctl *);
int	cmd_config_check(struct ctl *);
int	cmd_config_show(struct ctl *);
int	cmd_config_explain(struct ctl *);
int	cmd_selftest_jail(struct ctl *);
int	cmd_selftest_relay(struct ctl *);
int	cmd_completion(struct ctl *);

#endif
