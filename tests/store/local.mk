STORE_TEST = store/libstore.a $(MAIL) $(MAP) $(BASE) $(BDB_LIBS) $(CDB_LIBS) \
	$(EV_LIBS) $(CMOCKA_LIBS) -lpthread
check_PROGRAMS += tests/store/test_door
tests_store_test_door_SOURCES = tests/store/test_door.c tests/store/rig.c \
	tests/store/rig.h
tests_store_test_door_LDADD = $(STORE_TEST)
