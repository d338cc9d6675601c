# The program store: mailboxes.
noinst_LIBRARIES += store/libstore.a
store_libstore_a_SOURCES = \
	store/engine.h store/engine_bdb.c store/index.h store/index.c \
	store/body.h store/body_path.c store/body_file.c \
	store/mailboxes.h store/mailboxes.c store/flags.h store/flags.c \
	store/shard.h store/shard_impl.h store/shard.c store/threads.c \
	store/syncer.c store/helper.c \
	store/account.h store/account.c store/mailbox.c store/keywords.c store/first_use.c \
	store/flagsfile.c store/quota.c store/recover.c store/leftover.c store/traces.c \
	store/client.h store/client.c store/ops_read.c store/ops_flags.c \
	store/ops_expunge.c store/ops_copy.c store/ops_append.c \
	store/ops_mailbox.c store/deliver.c \
	store/rebuild.h store/found.c store/rebuild.c \
	store/check.h store/check.c store/walk.h store/walk.c store/sweep.c \
	store/control.h store/control.c store/epoch.c \
	store/start.h store/start.c

pkglibexec_PROGRAMS += store/store
store_store_SOURCES = store/main.c
store_store_LDADD = store/libstore.a $(SERVER) $(MAIL) $(NET) $(MAP) $(BASE) \
	$(BDB_LIBS) $(CDB_LIBS) $(EV_LIBS) $(SECCOMP_LIBS) -lpthread
