EXTRA_PROGRAMS += tests/bench/bench_mime
tests_bench_bench_mime_LDADD = $(MAIL) $(BASE)
EXTRA_PROGRAMS += tests/bench/smtp_source
tests_bench_smtp_source_LDADD = $(BASE)
if CMOCKA
EXTRA_PROGRAMS += tests/bench/bench_queue
tests_bench_bench_queue_LDADD = $(QUEUE_RIG)
EXTRA_PROGRAMS += tests/bench/bench_masses
tests_bench_bench_masses_LDADD = $(QUEUE_RIG)
BENCH_ALONE = tests/bench/bench_masses tests/bench/bench_sizes
endif

# The load generators of `make bench`, and what checks the mailboxes.
BENCH = tests/bench/smtp_load tests/bench/smtp_sink tests/bench/imap_source \
	tests/bench/pop3_source tests/bench/bench_check tests/bench/file_work
BENCH_COMMON = tests/bench/bench.c tests/bench/bench.h
BENCH_LIBS = $(BASE) $(OPENSSL_LIBS) -lpthread
EXTRA_PROGRAMS += $(BENCH)
tests_bench_file_work_SOURCES = tests/bench/file_work.c
tests_bench_smtp_load_SOURCES = tests/bench/smtp_load.c $(BENCH_COMMON)
tests_bench_smtp_load_LDADD = $(BENCH_LIBS)
tests_bench_smtp_sink_SOURCES = tests/bench/smtp_sink.c $(BENCH_COMMON)
tests_bench_smtp_sink_LDADD = $(BENCH_LIBS)
tests_bench_imap_source_SOURCES = tests/bench/imap_source.c $(BENCH_COMMON)
tests_bench_imap_source_LDADD = $(BENCH_LIBS)
tests_bench_pop3_source_SOURCES = tests/bench/pop3_source.c $(BENCH_COMMON)
tests_bench_pop3_source_LDADD = $(BENCH_LIBS)
tests_bench_bench_check_SOURCES = tests/bench/bench_check.c $(BENCH_COMMON)
tests_bench_bench_check_LDADD = $(BENCH_LIBS)
CLEANFILES += $(BENCH)
EXTRA_DIST += tests/bench/run tests/bench/peers.py tests/bench/more_peers.py \
	tests/bench/private_root.py tests/bench/measures.py \
	tests/bench/rows.py tests/bench/report.py tests/bench/alone.py \
	tests/bench/fair tests/bench/fair_net.py
# Needs root; installs Debian's Postfix and Dovecot and compares with them.
# BENCHFLAGS="--peers exim,opensmtpd,cyrus --masses --sizes" has more of it.
bench: $(BENCH) $(BENCH_ALONE)
	/usr/bin/python3 $(srcdir)/tests/bench/run --build $(builddir) \
	    $(BENCHFLAGS)
.PHONY: bench
EXTRA_PROGRAMS += tests/bench/bench_store
tests_bench_bench_store_SOURCES = tests/bench/bench_store.c \
	tests/store/rig.c tests/store/rig.h
tests_bench_bench_store_LDADD = store/libstore.a $(LINKS) $(SERVER) $(MAIL) \
	$(NET) $(MAP) $(BASE) $(BDB_LIBS) $(CDB_LIBS) $(EV_LIBS) -lpthread
EXTRA_PROGRAMS += tests/bench/bench_sizes
tests_bench_bench_sizes_SOURCES = tests/bench/bench_sizes.c \
	tests/store/rig.c tests/store/rig.h
tests_bench_bench_sizes_LDADD = $(tests_bench_bench_store_LDADD)
