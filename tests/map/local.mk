check_PROGRAMS += tests/map/test_cdb tests/map/test_bdb
tests_map_test_cdb_LDADD = $(MAP) $(BASE) $(CDB_LIBS) $(CMOCKA_LIBS)
tests_map_test_bdb_LDADD = $(MAP) $(BASE) $(BDB_LIBS) $(CMOCKA_LIBS)
