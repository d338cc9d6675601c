check_PROGRAMS += tests/map/test_cdb tests/map/test_bdb
tests_map_test_cdb_LDADD = $(MAP) $(BASE) $(CDB_LIBS) $(CMOCKA_LIBS)
tests_map_test_bdb_LDADD = $(MAP) $(BASE) $(BDB_LIBS) $(CMOCKA_LIBS)
tests_map_test_bdb_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=open \
	-Wl,--wrap=open64 -Wl,--wrap=write -Wl,--wrap=fdatasync \
	-Wl,--wrap=malloc -Wl,--wrap=fallocate -Wl,--wrap=fallocate64 \
	-Wl,--wrap=fstatfs -Wl,--wrap=fstatfs64
check_PROGRAMS += tests/map/test_bdb_files
tests_map_test_bdb_files_LDADD = $(MAP) $(BASE) $(BDB_LIBS) $(CMOCKA_LIBS)
tests_map_test_bdb_files_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fdatasync \
	-Wl,--wrap=fsync -Wl,--wrap=rename -Wl,--wrap=unlink \
	-Wl,--wrap=posix_fadvise -Wl,--wrap=posix_fadvise64 \
	-Wl,--wrap=fstatfs -Wl,--wrap=fstatfs64 -Wl,--wrap=statvfs \
	-Wl,--wrap=statvfs64
