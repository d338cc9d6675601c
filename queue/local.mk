# queue: see the top-level Makefile.am for what these lists are.
noinst_LIBRARIES += queue/libqueue.a
queue_libqueue_a_SOURCES = \
	queue/queue.c queue/queue.h \
	queue/queue_main.c queue/queue_main.h \
	queue/queue_envelope.c queue/queue_envelope.h \
	queue/queue_fields.c queue/queue_fields.h \
	queue/queue_record.c queue/queue_record.h \
	queue/queue_target.c queue/queue_target.h \
	queue/queue_sched.c queue/queue_sched.h \
	queue/queue_table.c queue/queue_table.h \
	queue/queue_lane.c queue/queue_lane.h \
	queue/queue_jump.c queue/queue_jump.h \
	queue/queue_body.c queue/queue_body.h \
	queue/queue_spare.c queue/queue_spare.h \
	queue/queue_expand.c queue/queue_expand.h \
	queue/queue_intake.c queue/queue_intake.h \
	queue/queue_commit.c queue/queue_commit.h \
	queue/queue_write.c queue/queue_write.h \
	queue/queue_origin.c queue/queue_origin.h \
	queue/queue_message.c queue/queue_message.h \
	queue/queue_notify.c queue/queue_notify.h \
	queue/queue_action.c queue/queue_action.h \
	queue/queue_life.c queue/queue_life.h \
	queue/queue_dest.c queue/queue_dest.h \
	queue/queue_send.c queue/queue_send.h \
	queue/queue_sign.c queue/queue_sign.h \
	queue/queue_route.c queue/queue_route.h \
	queue/queue_job.c queue/queue_job.h \
	queue/queue_dispatch.c queue/queue_dispatch.h \
	queue/queue_worker.c queue/queue_worker.h \
	queue/queue_sweep.c queue/queue_sweep.h \
	queue/queue_command.c queue/queue_command.h \
	queue/queue_rows.c queue/queue_rows.h \
	queue/queue_bounce.c queue/queue_bounce.h \
	queue/queue_report.c queue/queue_report.h \
	queue/queue_ctl.c queue/queue_ctl.h

QUEUE = queue/libqueue.a $(LINKS) $(SERVER) $(MAIL) $(NET) $(MAP) $(BASE) \
	$(SERVER_LIBS) $(CDB_LIBS) $(BDB_LIBS) $(OPENSSL_LIBS) -lpthread
pkglibexec_PROGRAMS += queue/queue
queue_queue_SOURCES = queue/main.c
queue_queue_LDADD = $(QUEUE)
