EXTRA_PROGRAMS += tests/bench/bench_mime
tests_bench_bench_mime_LDADD = $(MAIL) $(BASE)
