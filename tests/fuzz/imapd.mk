FUZZ_IMAPD_LIBS = imapd/libimapd.a $(SERVER) $(MAIL) $(BASE) $(SERVER_LIBS) \
	$(ZLIB_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_imapd tests/fuzz/fuzz_utf7 \
	tests/fuzz/fuzz_words tests/fuzz/fuzz_search
tests_fuzz_fuzz_search_SOURCES = tests/fuzz/fuzz_search.c
tests_fuzz_fuzz_search_LDADD = $(FUZZ_IMAPD_LIBS)
tests_fuzz_fuzz_search_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_imapd_SOURCES = tests/fuzz/fuzz_imapd.c
tests_fuzz_fuzz_imapd_LDADD = $(FUZZ_IMAPD_LIBS)
tests_fuzz_fuzz_imapd_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_utf7_SOURCES = tests/fuzz/fuzz_utf7.c
tests_fuzz_fuzz_utf7_LDADD = $(FUZZ_IMAPD_LIBS)
tests_fuzz_fuzz_utf7_LDFLAGS = $(FUZZING)
tests_fuzz_fuzz_words_SOURCES = tests/fuzz/fuzz_words.c
tests_fuzz_fuzz_words_LDADD = $(MAIL) $(BASE)
tests_fuzz_fuzz_words_LDFLAGS = $(FUZZING)
noinst_PROGRAMS += tests/fuzz/fuzz_compress
tests_fuzz_fuzz_compress_SOURCES = tests/fuzz/fuzz_compress.c
tests_fuzz_fuzz_compress_LDADD = $(FUZZ_IMAPD_LIBS)
tests_fuzz_fuzz_compress_LDFLAGS = $(FUZZING)
