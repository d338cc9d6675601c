if CMOCKA
include tests/base/local.mk
TESTS += $(check_PROGRAMS)
endif
