STORE_TEST = store/libstore.a $(LINKS) $(SERVER) $(MAIL) $(NET) $(MAP) \
	$(BASE) $(BDB_LIBS) $(CDB_LIBS) $(EV_LIBS) $(CMOCKA_LIBS) -lpthread
check_PROGRAMS += tests/store/test_door
tests_store_test_door_SOURCES = tests/store/test_door.c tests/store/rig.c \
	tests/store/rig.h
tests_store_test_door_LDADD = $(STORE_TEST)
check_PROGRAMS += tests/store/test_append_many
tests_store_test_append_many_SOURCES = tests/store/test_append_many.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_append_many_LDADD = $(STORE_TEST)
tests_store_test_append_many_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=mailbox_bits
check_PROGRAMS += tests/store/test_import
tests_store_test_import_SOURCES = tests/store/test_import.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_import_LDADD = $(STORE_TEST)
tests_store_test_import_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=linkat \
	-Wl,--wrap=renameat -Wl,--wrap=unlinkat -Wl,--wrap=mkdirat \
	-Wl,--wrap=fsync -Wl,--wrap=fdatasync -Wl,--wrap=engine_commit
check_PROGRAMS += tests/store/test_rename_inbox
tests_store_test_rename_inbox_SOURCES = tests/store/test_rename_inbox.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_rename_inbox_LDADD = $(STORE_TEST)
tests_store_test_rename_inbox_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=linkat \
	-Wl,--wrap=renameat -Wl,--wrap=unlinkat -Wl,--wrap=mkdirat \
	-Wl,--wrap=fsync -Wl,--wrap=engine_commit
check_PROGRAMS += tests/store/test_crash
tests_store_test_crash_SOURCES = tests/store/test_crash.c tests/store/rig.c \
	tests/store/rig.h
tests_store_test_crash_LDADD = $(STORE_TEST)
tests_store_test_crash_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=linkat \
	-Wl,--wrap=renameat -Wl,--wrap=unlinkat -Wl,--wrap=mkdirat \
	-Wl,--wrap=fsync -Wl,--wrap=fdatasync -Wl,--wrap=engine_commit \
	-Wl,--wrap=moved_note -Wl,--wrap=moved_delete \
	-Wl,--wrap=body_present
check_PROGRAMS += tests/store/test_remove
tests_store_test_remove_SOURCES = tests/store/test_remove.c tests/store/rig.c \
	tests/store/rig.h
tests_store_test_remove_LDADD = $(STORE_TEST)
tests_store_test_remove_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=renameat \
	-Wl,--wrap=unlinkat -Wl,--wrap=mkdirat -Wl,--wrap=fsync \
	-Wl,--wrap=fdatasync -Wl,--wrap=engine_commit
check_PROGRAMS += tests/store/test_rename
tests_store_test_rename_SOURCES = tests/store/test_rename.c tests/store/rig.c \
	tests/store/rig.h
tests_store_test_rename_LDADD = $(STORE_TEST)
tests_store_test_rename_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=renameat \
	-Wl,--wrap=mkdirat -Wl,--wrap=fsync -Wl,--wrap=fdatasync \
	-Wl,--wrap=engine_commit
check_PROGRAMS += tests/store/test_move
tests_store_test_move_SOURCES = tests/store/test_move.c tests/store/rig.c \
	tests/store/rig.h
tests_store_test_move_LDADD = $(STORE_TEST)
tests_store_test_move_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=unlinkat \
	-Wl,--wrap=fsync
check_PROGRAMS += tests/store/test_again
tests_store_test_again_SOURCES = tests/store/test_again.c tests/store/rig.c \
	tests/store/rig.h
tests_store_test_again_LDADD = $(STORE_TEST)
check_PROGRAMS += tests/store/test_pieces
tests_store_test_pieces_SOURCES = tests/store/test_pieces.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_pieces_LDADD = $(STORE_TEST)
check_PROGRAMS += tests/store/test_promises
tests_store_test_promises_SOURCES = tests/store/test_promises.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_promises_LDADD = $(STORE_TEST)
tests_store_test_promises_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=generation_tick -Wl,--wrap=flagsfiles_write \
	-Wl,--wrap=engine_commit -Wl,--wrap=engine_durable
check_PROGRAMS += tests/store/test_slices
tests_store_test_slices_SOURCES = tests/store/test_slices.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_slices_LDADD = $(STORE_TEST)
tests_store_test_slices_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=linkat \
	-Wl,--wrap=renameat -Wl,--wrap=unlinkat -Wl,--wrap=fsync \
	-Wl,--wrap=fdatasync -Wl,--wrap=index_delete_mailbox \
	-Wl,--wrap=engine_scan -Wl,--wrap=task_submit \
	-Wl,--wrap=engine_commit -Wl,--wrap=message_keep_keywords
check_PROGRAMS += tests/store/test_sieve
tests_store_test_sieve_LDADD = $(STORE_TEST)
check_PROGRAMS += tests/store/test_deliver
tests_store_test_deliver_SOURCES = tests/store/test_deliver.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_deliver_LDADD = $(STORE_TEST)
tests_store_test_deliver_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=age_cutoff
check_PROGRAMS += tests/store/test_access
tests_store_test_access_SOURCES = tests/store/test_access.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_access_LDADD = $(STORE_TEST)
check_PROGRAMS += tests/store/test_follow
tests_store_test_follow_SOURCES = tests/store/test_follow.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_follow_LDADD = $(STORE_TEST)
check_PROGRAMS += tests/store/test_recover
tests_store_test_recover_SOURCES = tests/store/test_recover.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_recover_LDADD = $(STORE_TEST)
check_PROGRAMS += tests/store/test_older
tests_store_test_older_SOURCES = tests/store/test_older.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_older_LDADD = $(STORE_TEST)
tests_store_test_older_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=generation_next -Wl,--wrap=generation_tick
check_PROGRAMS += tests/store/test_body
tests_store_test_body_SOURCES = tests/store/test_body.c
tests_store_test_body_LDADD = $(STORE_TEST)
tests_store_test_body_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=linkat \
	-Wl,--wrap=fstatfs -Wl,--wrap=fstatfs64 -Wl,--wrap=fd_sync_dir \
	-Wl,--wrap=fd_sync \
	-Wl,--wrap=fstatvfs -Wl,--wrap=fstatvfs64
check_PROGRAMS += tests/store/test_parts tests/store/test_rebuild
tests_store_test_parts_SOURCES = tests/store/test_parts.c
tests_store_test_parts_LDADD = $(STORE_TEST)
tests_store_test_rebuild_SOURCES = tests/store/test_rebuild.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_rebuild_LDADD = $(STORE_TEST)
check_PROGRAMS += tests/store/test_evidence
tests_store_test_evidence_SOURCES = tests/store/test_evidence.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_evidence_LDADD = $(STORE_TEST)
tests_store_test_evidence_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=body_list_mailboxes -Wl,--wrap=fd_sync_dir
check_PROGRAMS += tests/store/test_rebuilds
tests_store_test_rebuilds_SOURCES = tests/store/test_rebuilds.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_rebuilds_LDADD = $(STORE_TEST)
tests_store_test_rebuilds_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=body_open \
	-Wl,--wrap=helper_post -Wl,--wrap=body_aside
check_PROGRAMS += tests/store/test_expunged
tests_store_test_expunged_SOURCES = tests/store/test_expunged.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_expunged_LDADD = $(STORE_TEST)
tests_store_test_expunged_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=body_list_next
check_PROGRAMS += tests/store/test_sweep
tests_store_test_sweep_SOURCES = tests/store/test_sweep.c tests/store/rig.c \
	tests/store/rig.h
tests_store_test_sweep_LDADD = $(STORE_TEST)
tests_store_test_sweep_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=age_cutoff \
	-Wl,--wrap=ev_timer_start -Wl,--wrap=expunged_bound \
	-Wl,--wrap=expunged_forget
check_PROGRAMS += tests/store/test_expire
tests_store_test_expire_SOURCES = tests/store/test_expire.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_expire_LDADD = $(STORE_TEST)
tests_store_test_expire_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=age_second \
	-Wl,--wrap=ev_timer_start -Wl,--wrap=expunged_bound
check_PROGRAMS += tests/store/test_sum
tests_store_test_sum_SOURCES = tests/store/test_sum.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_sum_LDADD = $(STORE_TEST)
check_PROGRAMS += tests/store/test_warn
tests_store_test_warn_SOURCES = tests/store/test_warn.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_warn_LDADD = $(STORE_TEST)
check_PROGRAMS += tests/store/test_trouble
tests_store_test_trouble_SOURCES = tests/store/test_trouble.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_trouble_LDADD = $(STORE_TEST)
tests_store_test_trouble_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=linkat \
	-Wl,--wrap=pthread_mutex_destroy -Wl,--wrap=body_open
check_PROGRAMS += tests/store/test_syncer
tests_store_test_syncer_SOURCES = tests/store/test_syncer.c
tests_store_test_syncer_LDADD = $(STORE_TEST)
check_PROGRAMS += tests/store/test_large
tests_store_test_large_SOURCES = tests/store/test_large.c
tests_store_test_large_LDADD = $(STORE_TEST)
tests_store_test_large_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=helper_post
check_PROGRAMS += tests/store/test_cache
tests_store_test_cache_SOURCES = tests/store/test_cache.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_cache_LDADD = $(STORE_TEST)
check_PROGRAMS += tests/store/test_order
tests_store_test_order_SOURCES = tests/store/test_order.c tests/store/rig.c \
	tests/store/rig.h
tests_store_test_order_LDADD = $(STORE_TEST)
tests_store_test_order_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=linkat \
	-Wl,--wrap=renameat -Wl,--wrap=unlinkat -Wl,--wrap=fsync \
	-Wl,--wrap=fdatasync -Wl,--wrap=engine_commit \
	-Wl,--wrap=engine_durable -Wl,--wrap=client_send
check_PROGRAMS += tests/store/test_age
tests_store_test_age_SOURCES = tests/store/test_age.c
tests_store_test_age_LDADD = $(STORE_TEST)
tests_store_test_age_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_now \
	-Wl,--wrap=clock_mono_ms -Wl,--wrap=helper_post
check_PROGRAMS += tests/store/test_stop
tests_store_test_stop_SOURCES = tests/store/test_stop.c tests/store/rig.c \
	tests/store/rig.h
tests_store_test_stop_LDADD = $(STORE_TEST)
tests_store_test_stop_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=body_list_next \
	-Wl,--wrap=syncer_stop -Wl,--wrap=engine_close
check_PROGRAMS += tests/store/test_keep
tests_store_test_keep_SOURCES = tests/store/test_keep.c tests/store/rig.c \
	tests/store/rig.h
tests_store_test_keep_LDADD = $(STORE_TEST)
tests_store_test_keep_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=account_new \
	-Wl,--wrap=account_free -Wl,--wrap=shard_settle \
	-Wl,--wrap=quota_missed -Wl,--wrap=full_each
check_PROGRAMS += tests/store/test_waits
tests_store_test_waits_SOURCES = tests/store/test_waits.c tests/store/rig.c \
	tests/store/rig.h
tests_store_test_waits_LDADD = $(STORE_TEST)
tests_store_test_waits_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fsync \
	-Wl,--wrap=fdatasync -Wl,--wrap=engine_commit
check_PROGRAMS += tests/store/test_quota
tests_store_test_quota_SOURCES = tests/store/test_quota.c tests/store/rig.c \
	tests/store/rig.h
tests_store_test_quota_LDADD = $(STORE_TEST)
tests_store_test_quota_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=body_wants \
	-Wl,--wrap=body_prepare -Wl,--wrap=fd_sync

check_PROGRAMS += tests/store/test_names
tests_store_test_names_SOURCES = tests/store/test_names.c tests/store/rig.c \
	tests/store/rig.h
tests_store_test_names_LDADD = $(STORE_TEST)
tests_store_test_names_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=leftover_rows

check_PROGRAMS += tests/store/test_flags
tests_store_test_flags_SOURCES = tests/store/test_flags.c tests/store/rig.c \
	tests/store/rig.h
tests_store_test_flags_LDADD = $(STORE_TEST)
tests_store_test_flags_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_mono_ms \
	-Wl,--wrap=task_text_append -Wl,--wrap=task_dir \
	-Wl,--wrap=task_link_put -Wl,--wrap=shard_modseq \
	-Wl,--wrap=engine_get -Wl,--wrap=index_range

check_PROGRAMS += tests/store/test_open
tests_store_test_open_SOURCES = tests/store/test_open.c tests/store/rig.c \
	tests/store/rig.h
tests_store_test_open_LDADD = $(STORE_TEST)
tests_store_test_open_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=body_open

check_PROGRAMS += tests/store/test_records
tests_store_test_records_SOURCES = tests/store/test_records.c \
	tests/store/rig.c tests/store/rig.h
tests_store_test_records_LDADD = $(STORE_TEST)

# The same with the second engine, in place of Berkeley DB. What is only about
# files of Berkeley DB is left out there (ENGINE_MEM): a database that is broken
# is set aside, and one process alone owns it.
MEM_ENGINE = tests/store/engine_mem.c tests/store/engine_mem.h
MEM_CPPFLAGS = $(AM_CPPFLAGS) -DENGINE_MEM
check_PROGRAMS += tests/store/test_seam tests/store/test_door_mem \
	tests/store/test_crash_mem tests/store/test_move_mem \
	tests/store/test_parts_mem tests/store/test_rebuild_mem \
	tests/store/test_quota_mem tests/store/test_deliver_mem \
	tests/store/test_follow_mem tests/store/test_recover_mem
tests_store_test_seam_SOURCES = tests/store/test_seam.c tests/store/rig.c \
	tests/store/rig.h $(MEM_ENGINE)
tests_store_test_seam_LDADD = $(STORE_TEST)
tests_store_test_seam_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=log_info
tests_store_test_door_mem_SOURCES = $(tests_store_test_door_SOURCES) \
	$(MEM_ENGINE)
tests_store_test_door_mem_CPPFLAGS = $(MEM_CPPFLAGS)
tests_store_test_door_mem_LDADD = $(STORE_TEST)
tests_store_test_crash_mem_SOURCES = $(tests_store_test_crash_SOURCES) \
	$(MEM_ENGINE)
tests_store_test_crash_mem_CPPFLAGS = $(MEM_CPPFLAGS)
tests_store_test_crash_mem_LDADD = $(STORE_TEST)
tests_store_test_crash_mem_LDFLAGS = $(tests_store_test_crash_LDFLAGS)
tests_store_test_move_mem_SOURCES = $(tests_store_test_move_SOURCES) \
	$(MEM_ENGINE)
tests_store_test_move_mem_CPPFLAGS = $(MEM_CPPFLAGS)
tests_store_test_move_mem_LDADD = $(STORE_TEST)
tests_store_test_move_mem_LDFLAGS = $(tests_store_test_move_LDFLAGS)
tests_store_test_parts_mem_SOURCES = $(tests_store_test_parts_SOURCES) \
	$(MEM_ENGINE)
tests_store_test_parts_mem_CPPFLAGS = $(MEM_CPPFLAGS)
tests_store_test_parts_mem_LDADD = $(STORE_TEST)
tests_store_test_rebuild_mem_SOURCES = $(tests_store_test_rebuild_SOURCES) \
	$(MEM_ENGINE)
tests_store_test_rebuild_mem_CPPFLAGS = $(MEM_CPPFLAGS)
tests_store_test_rebuild_mem_LDADD = $(STORE_TEST)
tests_store_test_quota_mem_SOURCES = $(tests_store_test_quota_SOURCES) \
	$(MEM_ENGINE)
tests_store_test_quota_mem_CPPFLAGS = $(MEM_CPPFLAGS)
tests_store_test_quota_mem_LDADD = $(STORE_TEST)
tests_store_test_quota_mem_LDFLAGS = $(tests_store_test_quota_LDFLAGS)
tests_store_test_deliver_mem_SOURCES = $(tests_store_test_deliver_SOURCES) \
	$(MEM_ENGINE)
tests_store_test_deliver_mem_CPPFLAGS = $(MEM_CPPFLAGS)
tests_store_test_deliver_mem_LDADD = $(STORE_TEST)
tests_store_test_deliver_mem_LDFLAGS = $(tests_store_test_deliver_LDFLAGS)
tests_store_test_follow_mem_SOURCES = $(tests_store_test_follow_SOURCES) \
	$(MEM_ENGINE)
tests_store_test_follow_mem_CPPFLAGS = $(MEM_CPPFLAGS)
tests_store_test_follow_mem_LDADD = $(STORE_TEST)
tests_store_test_recover_mem_SOURCES = $(tests_store_test_recover_SOURCES) \
	$(MEM_ENGINE)
tests_store_test_recover_mem_CPPFLAGS = $(MEM_CPPFLAGS)
tests_store_test_recover_mem_LDADD = $(STORE_TEST)
check_PROGRAMS += tests/store/test_generation
tests_store_test_generation_LDADD = $(STORE_TEST)
tests_store_test_generation_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=engine_db \
	-Wl,--wrap=engine_get -Wl,--wrap=engine_scan -Wl,--wrap=engine_commit \
	-Wl,--wrap=engine_durable -Wl,--wrap=engine_token \
	-Wl,--wrap=text_read -Wl,--wrap=text_replace -Wl,--wrap=store_room \
	-Wl,--wrap=clock_mono_ms -Wl,--wrap=helper_post
