/*
 * A server that says the next piece of the input (NUL stands between two)
 * whenever its client waits for it, in the place of poll(2): link with
 * --wrap=poll.
 */
#ifndef TESTS_FUZZ_FUZZ_TALK_H
#define TESTS_FUZZ_FUZZ_TALK_H

#include <stddef.h>
#include <stdint.h>

/* The client's end of the connection. */
int	fuzz_talk_begin(const uint8_t *data, size_t size);
void	fuzz_talk_end(void);

#endif
