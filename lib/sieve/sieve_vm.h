/*
 * The machine: what a run knows. For the files of this folder alone.
 */
#ifndef LIB_SIEVE_SIEVE_VM_H
#define LIB_SIEVE_SIEVE_VM_H

#include "lib/mail/header.h"
#include "lib/mail/mime.h"
#include "lib/sieve/sieve_impl.h"

enum { SIEVE_FIELDS_MAX = 4096 };	/* of a header that are looked at */

struct sieve_view {
	const char *p;
	size_t	 len;
};

struct sieve_variable {
	char	*name;		/* as it was first written */
	struct buf value;
};

struct sieve_vm {
	const struct sieve_script *s;
	const struct sieve_message *m;
	struct sieve_result *r;
	struct buf *why;
	struct sieve_place at;		/* of the command that is run */
	uint64_t steps;			/* that are left */
	struct sieve_arena arena;	/* texts of that command */
	size_t	 made;			/* ... their octets */
	struct sieve_variable variable[SIEVE_VARIABLES_MAX];
	size_t	 n_variables;
	struct buf matched;		/* what ${0} to ${31} are pieces of */
	struct { size_t from, len; } match[SIEVE_MATCHES_MAX];
	size_t	 n_matches;
	struct buf flags;		/* RFC 5232: the internal variable */
	int	 stopped, implicit;	/* stop was run; the implicit keep
					   holds */
	struct header_field *field;
	size_t	 n_fields;
	int	 indexed;
	struct mime *mime;		/* when a body is asked for */
	struct buf value, upper, literal, any;	/* of a comparison */
};

/* Ends the run: words with the line. -1. */
int	sieve_fail(struct sieve_vm *vm, const char *fmt, ...)
	    ATTR_PRINTF(2, 3);
/* Takes n steps; -1: there are no more. */
int	sieve_steps(struct sieve_vm *vm, uint64_t n) ATTR_CHECK;

/* The string with its variables; it holds until the command is over. */
int	sieve_expand(struct sieve_vm *vm, const struct sieve_string *s,
	    struct sieve_view *r) ATTR_CHECK;
/* A copy that holds as long. NULL: too much. */
char	*sieve_keep_text(struct sieve_vm *vm, const char *p, size_t len);
/* A variable's value; NULL: it was never set. */
struct buf *sieve_variable(struct sieve_vm *vm, const char *p, size_t len);
/* The same, made where it is missing. */
struct buf *sieve_variable_make(struct sieve_vm *vm, const char *p,
	    size_t len);
/* set (RFC 5229 4). */
int	sieve_set(struct sieve_vm *vm, const struct sieve_node *n) ATTR_CHECK;

/*
 * A test that compares: begin takes the keys, try looks at a value (1: it
 * matches, the test is true), end tells what remains (a count). 1, 0, -1.
 */
struct sieve_compare {
	const struct sieve_node *n;
	struct sieve_view *key;
	size_t	 n_keys;
	uint64_t count;
	int	 captures;	/* :matches sets ${1} */
};
int	sieve_compare_begin(struct sieve_vm *vm, struct sieve_compare *c,
	    const struct sieve_node *n, const struct sieve_list *keys)
	    ATTR_CHECK;
int	sieve_compare_try(struct sieve_vm *vm, struct sieve_compare *c,
	    const char *p, size_t len) ATTR_CHECK;
int	sieve_compare_end(struct sieve_vm *vm, struct sieve_compare *c)
	    ATTR_CHECK;

/* A test. 1, 0, or -1. */
int	sieve_test(struct sieve_vm *vm, const struct sieve_node *n) ATTR_CHECK;
/* The body test's values (RFC 5173). */
int	sieve_body(struct sieve_vm *vm, struct sieve_compare *c) ATTR_CHECK;

/* Flags (RFC 5232): a text with blanks between. Each -1: too many. */
typedef int sieve_flag_fn(struct sieve_vm *, void *, const char *, size_t);
/* Each flag of the text, as it is; what is no flag is left out. */
int	sieve_flags_each(struct sieve_vm *vm, const char *p, size_t len,
	    sieve_flag_fn *each, void *arg) ATTR_CHECK;
/* Adds the flags of the text to those in flags, or takes them away. */
int	sieve_flags_add(struct sieve_vm *vm, struct buf *flags, const char *p,
	    size_t len) ATTR_CHECK;
int	sieve_flags_remove(struct sieve_vm *vm, struct buf *flags,
	    const char *p, size_t len) ATTR_CHECK;

#endif
