# master and logger: two programs, for a log that needs master to be read by
# nobody else.
noinst_LIBRARIES += master/libmaster.a
master_libmaster_a_SOURCES = \
	master/logger.c master/logger.h \
	master/logger_conf.c master/logger_conf.h \
	master/logger_file.c master/logger_file.h \
	master/logger_line.c master/logger_line.h \
	master/logger_rate.c master/logger_rate.h \
	master/logger_syslog.c master/logger_syslog.h \
	master/master.c master/master.h \
	master/master_conf.c master/master_conf.h \
	master/master_control.c master/master_control.h \
	master/master_crowd.c master/master_crowd.h \
	master/master_drop.c master/master_drop.h \
	master/master_drop_file.c master/master_drop_file.h \
	master/master_exec.c master/master_exec.h \
	master/master_files.c master/master_files.h \
	master/master_listen.c master/master_listen.h \
	master/master_logins.c master/master_logins.h \
	master/master_notify.c master/master_notify.h \
	master/master_pool.c master/master_pool.h \
	master/master_proc.c master/master_proc.h \
	master/master_reload.c master/master_reload.h \
	master/master_session.c master/master_session.h \
	master/master_setup.c master/master_setup.h \
	master/master_slots.c master/master_slots.h \
	master/master_start.c master/master_start.h \
	master/master_stop.c master/master_stop.h \
	master/master_watch.c master/master_watch.h \
	master/master_wiring.c master/master_wiring.h

pkglibexec_PROGRAMS += master/master master/logger
master_master_SOURCES = master/main.c
master_master_LDADD = master/libmaster.a $(LINKS) $(SERVER) $(MAIL) $(NET) \
	$(BASE) $(SERVER_LIBS)
master_logger_SOURCES = master/logger_main.c
master_logger_LDADD = master/libmaster.a $(SERVER) $(BASE) $(SERVER_LIBS)
