# The program store: mailboxes.
noinst_LIBRARIES += store/libstore.a
store_libstore_a_SOURCES = \
	store/engine.h store/engine_impl.h store/engine_bdb.c \
	store/engine_batch.c store/engine_watch.c store/index.h store/index.c \
	store/index_record.c store/record.h store/record.c store/body.h store/body_impl.h \
	store/body_file.c store/body_link.c \
	store/body_list.c store/body_remove.c store/text.h \
	store/text_file.c store/file_mailboxes.h store/file_mailboxes.c \
	store/file_flags.h store/file_flags.c store/shard.h store/shard_impl.h \
	store/shard.c store/shard_turn.h store/shard_turn.c \
	store/shard_threads.h store/shard_threads.c store/shard_syncer.h \
	store/shard_syncer.c store/shard_files.h store/shard_files.c \
	store/shard_chores.h store/shard_chores.c store/account.h \
	store/account.c store/account_commit.h store/account_commit.c \
	store/account_delivered.h store/account_delivered.c \
	store/account_follow.h store/account_follow.c store/account_adopt.h \
	store/account_adopt.c store/account_load.h store/account_load.c \
	store/account_mailbox.h store/account_mailbox.c \
	store/account_message.h store/account_message.c \
	store/account_keywords.h store/account_keywords.c \
	store/account_first_use.h store/account_first_use.c \
	store/account_flags.h store/account_flags.c store/account_quota.h \
	store/account_quota.c store/account_full.h store/account_full.c \
	store/account_warn.h store/account_warn.c store/warn_text.h \
	store/warn_text.c store/account_quota_all.h store/account_quota_all.c \
	store/sum.h store/sum.c store/sum_warn.h store/sum_warn.c \
	store/sum_read.h store/sum_read.c \
	store/sum_run.h store/sum_run.c \
	store/postmaster.h store/postmaster.c \
	store/account_recover.h store/account_recover.c \
	store/account_orphans.h store/account_orphans.c \
	store/account_evidence.h store/account_evidence.c \
	store/account_expunged.h store/account_expunged.c \
	store/index_cache.h store/index_cache.c \
	store/ctl_hold.h store/ctl_hold.c store/ctl_remove.h store/ctl_remove.c \
	store/ctl_rename.h store/ctl_rename.c \
	store/account_keep.h store/account_keep.c store/door_client.h \
	store/door_client.c store/door_watch.h store/door_watch.c \
	store/door_news.h store/door_news.c store/door_serve.h \
	store/door_serve.c store/access.h store/access.c store/op_read.h \
	store/op_fetched.h store/op_fetched.c \
	store/op_read.c store/op_flags.h store/op_flags.c store/op_expunge.h \
	store/op_expunge.c store/op_copy.h store/op_copy.c store/op_move.h \
	store/op_move.c store/op_append.h store/op_append.c store/op_file.h \
	store/op_append_many.c store/op_append_many.h \
	store/op_copy_impl.h store/op_copy_whole.c store/op_copy_whole.h \
	store/op_file.c store/op_mailbox.h store/op_mailbox.c \
	store/op_mailbox_list.h store/op_mailbox_list.c \
	store/op_adopt.h store/op_adopt.c \
	store/op_deliver.h store/op_deliver.c store/op_follow.h \
	store/op_follow.c store/op_ids.h store/op_ids.c store/op_sieve.h store/op_sieve.c \
	store/file_sieve.h store/file_sieve.c store/account_scan.h store/account_scan.c \
	store/account_rebuild.h store/account_rebuild.c \
	store/account_rebuild_old.h store/account_rebuild_old.c \
	store/ctl_check.h \
	store/ctl_check.c store/ctl_walk.h store/ctl_walk.c store/ctl_sweep.c \
	store/ctl_expire.h store/ctl_expire.c \
	store/ctl_control.h store/ctl_control.c store/epoch.h store/epoch.c \
	store/start.h store/start.c store/age.h store/age.c \
	store/generation.h store/generation.c

pkglibexec_PROGRAMS += store/store
store_store_SOURCES = store/main.c
store_store_LDADD = store/libstore.a $(LINKS) $(SERVER) $(MAIL) $(NET) $(MAP) \
	$(BASE) $(BDB_LIBS) $(CDB_LIBS) $(EV_LIBS) $(SECCOMP_LIBS) -lpthread
