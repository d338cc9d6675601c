/*
 * Attributes of functions, spelled once.
 */
#ifndef LIB_BASE_ATTR_H
#define LIB_BASE_ATTR_H

#define ATTR_CHECK	__attribute__((warn_unused_result))
#define ATTR_NORETURN	__attribute__((noreturn))
#define ATTR_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define ATTR_MALLOC	__attribute__((malloc, returns_nonnull))

#endif
