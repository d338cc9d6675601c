check_LIBRARIES += tests/queue/librig.a
tests_queue_librig_a_SOURCES = tests/queue/rig.c tests/queue/rig.h tests/built.h \
	tests/queue/rig_tables.c tests/queue/rig_fill.c \
	tests/queue/fixture.c tests/queue/fixture.h \
	tests/queue/old_records.c tests/queue/old_records.h
QUEUE_RIG = tests/queue/librig.a $(QUEUE)
check_PROGRAMS += tests/queue/test_queue tests/queue/test_envelope \
	tests/queue/test_sched tests/queue/test_expand tests/queue/test_bounce \
	tests/queue/test_table tests/queue/test_kill tests/queue/test_bounds \
	tests/queue/test_hold tests/queue/test_record \
	tests/queue/test_format tests/queue/test_fields tests/queue/test_dest \
	tests/queue/test_ways tests/queue/test_masses tests/queue/test_body \
	tests/queue/test_share
tests_queue_test_queue_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_envelope_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_envelope_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=table_put
tests_queue_test_sched_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_expand_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_bounce_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_table_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_kill_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_bounds_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_hold_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_record_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_format_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_fields_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_dest_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_dest_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_mono_ms
tests_queue_test_ways_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_masses_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_body_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_body_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fstatvfs \
	-Wl,--wrap=fstatvfs64 -Wl,--wrap=ev_now -Wl,--wrap=clock_now_us
tests_queue_test_share_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
check_PROGRAMS += tests/queue/test_full tests/queue/test_jump \
	tests/queue/test_life
tests_queue_test_life_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_jump_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_full_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
check_PROGRAMS += tests/queue/test_notify
tests_queue_test_notify_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
check_PROGRAMS += tests/queue/test_order
tests_queue_test_order_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_order_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fd_sync \
	-Wl,--wrap=fd_sync_dir -Wl,--wrap=fd_write_all \
	-Wl,--wrap=table_commit -Wl,--wrap=table_flush -Wl,--wrap=spare_keep \
	-Wl,--wrap=tables_keys -Wl,--wrap=tables_refresh
check_PROGRAMS += tests/queue/test_slices
tests_queue_test_slices_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_slices_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=table_begin \
	-Wl,--wrap=table_put -Wl,--wrap=table_commit -Wl,--wrap=table_room \
	-Wl,--wrap=lane_put -Wl,--wrap=body_take_spare -Wl,--wrap=body_room \
	-Wl,--wrap=expand -Wl,--wrap=tables_refresh \
	-Wl,--wrap=tables_keys
check_PROGRAMS += tests/queue/test_intake
tests_queue_test_intake_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_intake_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=body_take \
	-Wl,--wrap=body_room -Wl,--wrap=body_failing -Wl,--wrap=body_open \
	-Wl,--wrap=body_drop -Wl,--wrap=table_room -Wl,--wrap=commit_submit \
	-Wl,--wrap=commit_abandon -Wl,--wrap=server_retire_peer \
	-Wl,--wrap=fd_no_writer
check_PROGRAMS += tests/queue/test_origin
tests_queue_test_origin_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
check_PROGRAMS += tests/queue/test_room
tests_queue_test_room_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_room_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=bdb_room \
	-Wl,--wrap=clock_mono_ms
check_PROGRAMS += tests/queue/test_rows
tests_queue_test_rows_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
check_PROGRAMS += tests/queue/test_sweep
tests_queue_test_sweep_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_sweep_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=body_folder \
	-Wl,--wrap=body_first -Wl,--wrap=body_open -Wl,--wrap=lane_put
# Workers at wires in the test's own process, and the clock.
PLAYED = tests/queue/played.c tests/queue/played.h
PLAYED_WRAPS = $(AM_LDFLAGS) \
	-Wl,--wrap=clock_mono_ms -Wl,--wrap=server_retire_peer \
	-Wl,--wrap=server_need -Wl,--wrap=commit_dirty -Wl,--wrap=life_aside \
	-Wl,--wrap=body_open -Wl,--wrap=ev_timer_start \
	-Wl,--wrap=tables_refresh -Wl,--wrap=tables_renamed
check_PROGRAMS += tests/queue/test_worker tests/queue/test_dispatch
tests_queue_test_worker_SOURCES = tests/queue/test_worker.c $(PLAYED)
tests_queue_test_worker_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_worker_LDFLAGS = $(PLAYED_WRAPS)
tests_queue_test_dispatch_SOURCES = tests/queue/test_dispatch.c $(PLAYED)
tests_queue_test_dispatch_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_dispatch_LDFLAGS = $(PLAYED_WRAPS)
check_PROGRAMS += tests/queue/test_surplus
tests_queue_test_surplus_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
EXTRA_PROGRAMS += tests/queue/quick_queue
CLEANFILES += tests/queue/quick_queue$(EXEEXT)
tests_queue_quick_queue_SOURCES = queue/main.c tests/queue/quick_timers.c
tests_queue_quick_queue_LDADD = $(QUEUE)
tests_queue_quick_queue_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=ev_timer_start
tests_queue_test_surplus_DEPENDENCIES = $(QUEUE_RIG) \
	tests/queue/quick_queue$(EXEEXT)
check_PROGRAMS += tests/queue/test_steps
tests_queue_test_steps_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
tests_queue_test_steps_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=table_begin \
	-Wl,--wrap=table_put -Wl,--wrap=table_forget -Wl,--wrap=table_commit \
	-Wl,--wrap=table_room -Wl,--wrap=lane_put -Wl,--wrap=body_take \
	-Wl,--wrap=body_take_spare -Wl,--wrap=body_room \
	-Wl,--wrap=body_failing -Wl,--wrap=body_open -Wl,--wrap=body_drop \
	-Wl,--wrap=body_set_aside -Wl,--wrap=commit_submit -Wl,--wrap=expand \
	-Wl,--wrap=tables_refresh -Wl,--wrap=tables_keys \
	-Wl,--wrap=fd_close
