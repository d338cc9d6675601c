# deliver: see the top-level Makefile.am for what these lists are.
noinst_LIBRARIES += deliver/libdeliver.a
deliver_libdeliver_a_SOURCES = \
	deliver/deliver_main.c deliver/deliver_main.h \
	deliver/deliver_job.c deliver/deliver_job.h \
	deliver/deliver_action.c deliver/deliver_action.h \
	deliver/deliver_filter.c deliver/deliver_filter.h \
	deliver/deliver_body.c deliver/deliver_body.h

DELIVER = deliver/libdeliver.a $(SIEVE) $(SERVER) $(MAIL) $(NET) $(MAP) $(BASE) \
	$(SERVER_LIBS) $(CDB_LIBS) $(IDN2_LIBS)
pkglibexec_PROGRAMS += deliver/deliver
deliver_deliver_SOURCES = deliver/main.c
deliver_deliver_LDADD = $(DELIVER)
