noinst_LIBRARIES += lib/sieve/libsieve.a
lib_sieve_libsieve_a_SOURCES = lib/sieve/sieve.h \
	lib/sieve/sieve_arena.c \
	lib/sieve/sieve_body.c \
	lib/sieve/sieve_check.c \
	lib/sieve/sieve_flags.c \
	lib/sieve/sieve_impl.h \
	lib/sieve/sieve_lex.c lib/sieve/sieve_lex.h \
	lib/sieve/sieve_match.c \
	lib/sieve/sieve_parse.c \
	lib/sieve/sieve_run.c \
	lib/sieve/sieve_string.c \
	lib/sieve/sieve_test.c \
	lib/sieve/sieve_variables.c \
	lib/sieve/sieve_vm.h \
	lib/sieve/sieve_words.c
