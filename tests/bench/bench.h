/*
 * What the load generators share: a blocking connection, with or without TLS,
 * messages that can be recognised and checked afterwards, threads, clocks.
 *
 * DIAGNOSTICS: whatever goes wrong ends the program with a line on standard
 * error and status 1: a benchmark with a failed request is no benchmark.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

enum { BENCH_IN = 256 * 1024 };

struct bench_conn {
	int	 fd;
	SSL	*ssl;
	char	*in;
	size_t	 start, end;
};

void	bench_die(const char *fmt, ...) ATTR_PRINTF(1, 2) ATTR_NORETURN;
/* Seconds, only growing. */
double	bench_now(void);

/* "127.0.0.1:2525". Blocking, without Nagle's delay. */
int	bench_connect(const char *where);
/* ctx NULL: in the clear. TLS asks for no certificate. */
void	bench_open(struct bench_conn *c, const char *where, SSL_CTX *ctx);
void	bench_close(struct bench_conn *c);
SSL_CTX	*bench_tls(void);

void	bench_write(struct bench_conn *c, const void *p, size_t len);
void	bench_printf(struct bench_conn *c, const char *fmt, ...)
	    ATTR_PRINTF(2, 3);
/* A line without its CRLF, NUL-terminated, good until the next call. */
char	*bench_line(struct bench_conn *c, size_t *len_r);
/* Skips len octets. */
void	bench_skip(struct bench_conn *c, size_t len);

/*
 * Message number seq of a run, about size octets, CRLF lines, some of which
 * begin with a dot. Its header "X-Bench: RUN SEQ SUM" has the CRC-32C of all
 * that follows the empty line, in hexadecimal.
 */
void	bench_message(struct buf *out, const char *run, unsigned seq,
	    size_t size);
/*
 * Finds run and seq in a message and checks its sum. 1: whole; 0: another
 * run's or none of ours; -1: it was changed.
 */
int	bench_verify(const char *p, size_t len, const char *run,
	    unsigned *seq_r);

/* Fills in the number for every "%" of a pattern: "user%@example.test". */
void	bench_name(char *out, size_t size, const char *pattern, unsigned n);

/* Runs n threads with numbers 0..n-1, waits for all; seconds it took. */
double	bench_threads(unsigned n, void (*run)(unsigned));

#endif
