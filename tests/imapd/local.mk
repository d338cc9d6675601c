check_PROGRAMS += tests/imapd/test_parse tests/imapd/test_session \
	tests/imapd/test_bounds tests/imapd/test_search tests/imapd/test_list \
	tests/imapd/test_result tests/imapd/test_pick tests/imapd/test_wide
TEST_IMAPD_LIBS = imapd/libimapd.a $(SERVER) $(MAIL) $(BASE) \
	$(SERVER_LIBS) $(ZLIB_LIBS) $(CMOCKA_LIBS)
TEST_IMAPD_RIG = tests/imapd/rig.c tests/imapd/rig.h
tests_imapd_test_parse_LDADD = $(TEST_IMAPD_LIBS)
tests_imapd_test_session_SOURCES = tests/imapd/test_session.c $(TEST_IMAPD_RIG)
tests_imapd_test_session_LDADD = $(TEST_IMAPD_LIBS) -lpthread
tests_imapd_test_bounds_SOURCES = tests/imapd/test_bounds.c $(TEST_IMAPD_RIG)
tests_imapd_test_bounds_LDADD = $(TEST_IMAPD_LIBS) -lpthread
check_PROGRAMS += tests/imapd/test_append
tests_imapd_test_append_SOURCES = tests/imapd/test_append.c $(TEST_IMAPD_RIG)
tests_imapd_test_append_LDADD = $(TEST_IMAPD_LIBS) -lpthread
check_PROGRAMS += tests/imapd/test_compress
tests_imapd_test_compress_SOURCES = tests/imapd/test_compress.c \
	$(TEST_IMAPD_RIG)
tests_imapd_test_compress_LDADD = $(TEST_IMAPD_LIBS) -lpthread
check_PROGRAMS += tests/imapd/test_vanished
tests_imapd_test_vanished_LDADD = $(TEST_IMAPD_LIBS)
check_PROGRAMS += tests/imapd/test_time
tests_imapd_test_time_SOURCES = tests/imapd/test_time.c $(TEST_IMAPD_RIG)
tests_imapd_test_time_LDADD = $(TEST_IMAPD_LIBS) -lpthread
tests_imapd_test_time_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_mono_ms \
	-Wl,--wrap=ev_timer_again
tests_imapd_test_search_LDADD = $(TEST_IMAPD_LIBS)
tests_imapd_test_list_LDADD = $(TEST_IMAPD_LIBS)
tests_imapd_test_result_LDADD = $(TEST_IMAPD_LIBS)
tests_imapd_test_pick_LDADD = $(TEST_IMAPD_LIBS)
tests_imapd_test_wide_LDADD = $(TEST_IMAPD_LIBS)

# Before a real store.
check_PROGRAMS += tests/imapd/test_transcript
tests_imapd_test_transcript_SOURCES = tests/imapd/test_transcript.c \
	tests/store/rig.c tests/store/rig.h
tests_imapd_test_transcript_CPPFLAGS = $(AM_CPPFLAGS) \
	-DTRANSCRIPTS='"$(abs_top_srcdir)/tests/transcript"'
tests_imapd_test_transcript_LDADD = imapd/libimapd.a store/libstore.a \
	$(LINKS) $(SERVER) $(MAIL) $(NET) $(MAP) $(BASE) $(BDB_LIBS) \
	$(CDB_LIBS) $(EV_LIBS) $(SERVER_LIBS) $(ZLIB_LIBS) $(CMOCKA_LIBS) \
	-lpthread
