check_LIBRARIES += tests/queue/librig.a
tests_queue_librig_a_SOURCES = tests/queue/rig.c tests/queue/rig.h
QUEUE_RIG = tests/queue/librig.a $(QUEUE)
check_PROGRAMS += tests/queue/test_queue
tests_queue_test_queue_LDADD = $(QUEUE_RIG) $(CMOCKA_LIBS)
