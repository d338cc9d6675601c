if CMOCKA
check_LIBRARIES += tests/libguard.a
tests_libguard_a_SOURCES = tests/guard.c
include tests/auth/local.mk
include tests/base/local.mk
include tests/map/local.mk
include tests/store/local.mk
include tests/server/local.mk
include tests/link/local.mk
include tests/master/local.mk
include tests/mail/local.mk
include tests/imapd/local.mk
include tests/ctl/local.mk
include tests/net/local.mk
include tests/pop3d/local.mk
include tests/relay/local.mk
include tests/queue/local.mk
include tests/deliver/local.mk
include tests/sieve/local.mk
include tests/smtpd/local.mk
TESTS += $(check_PROGRAMS)
endif
EXTRA_DIST += tests/count.py tests/first_mail.py tests/fresh tests/oci.py tests/package.py tests/systemd.py tests/suite tests/data tests/fuzz/run tests/mutants

include tests/fuzz/local.mk
include tests/bench/local.mk
