noinst_LIBRARIES += lib/mail/libmail.a
lib_mail_libmail_a_SOURCES = \
	lib/mail/limits.h lib/mail/pop3_capability.h lib/mail/result.h \
	lib/mail/proto.c lib/mail/proto.h \
	lib/mail/packed.c lib/mail/packed.h \
	lib/mail/expiry.c lib/mail/expiry.h \
	lib/mail/pattern.c lib/mail/pattern.h \
	lib/mail/answer.c lib/mail/answer.h \
	lib/mail/credential.c lib/mail/credential.h \
	lib/mail/collect_proto.c lib/mail/collect_proto.h \
	lib/mail/collect_account.c lib/mail/collect_account.h \
	lib/mail/dest_key.c lib/mail/dest_key.h \
	lib/mail/drop.c lib/mail/drop.h \
	lib/mail/dsn.c lib/mail/dsn.h \
	lib/mail/learned.c lib/mail/learned.h \
	lib/mail/migrate.c lib/mail/migrate.h \
	lib/mail/multidrop.c lib/mail/multidrop.h \
	lib/mail/notes.c lib/mail/notes.h \
	lib/mail/plain.c lib/mail/plain.h \
	lib/mail/protocols.c lib/mail/protocols.h \
	lib/mail/probe.c lib/mail/probe.h \
	lib/mail/queue_id.c lib/mail/queue_id.h \
	lib/mail/reply_kind.c lib/mail/reply_kind.h \
	lib/mail/scram.c lib/mail/scram.h \
	lib/mail/tables.c lib/mail/tables.h \
	lib/mail/trick.c lib/mail/trick.h lib/mail/trick_try.c \
	lib/mail/trial.c lib/mail/trial.h \
	lib/mail/uids.c lib/mail/uids.h \
	lib/mail/user_path.c lib/mail/user_path.h \
	lib/mail/utf7.c lib/mail/utf7.h \
	lib/mail/door.h lib/mail/mime.h
lib_mail_libmail_a_SOURCES += lib/mail/imap_capability.h \
	lib/mail/door.c lib/mail/door_impl.h lib/mail/door_mailbox.c \
	lib/mail/door_message.c lib/mail/door_import.c \
	lib/mail/door_script.c \
	lib/mail/mailbox_name.c lib/mail/mailbox_name.h \
	lib/mail/door_proto.c lib/mail/door_proto.h \
	lib/mail/follow.c lib/mail/follow.h \
	lib/mail/keyword_set.c lib/mail/keyword_set.h
lib_mail_libmail_a_SOURCES += \
	lib/mail/spf.c lib/mail/spf.h lib/mail/spf_match.c lib/mail/spf_run.h \
	lib/mail/spf_macro.c lib/mail/spf_record.c lib/mail/spf_record.h
lib_mail_libmail_a_SOURCES += lib/mail/dkim.c lib/mail/dkim.h \
	lib/mail/dkim_canon.c lib/mail/dkim_canon.h \
	lib/mail/dkim_key.c lib/mail/dkim_key.h
include lib/mail/address.mk
include lib/mail/mime.mk
