EXTRA_PROGRAMS += tests/bench/bench_mime
tests_bench_bench_mime_LDADD = $(MAIL) $(BASE)
EXTRA_PROGRAMS += tests/bench/smtp_source
tests_bench_smtp_source_LDADD = $(BASE)
if CMOCKA
EXTRA_PROGRAMS += tests/bench/bench_queue
tests_bench_bench_queue_LDADD = $(QUEUE_RIG)
endif
