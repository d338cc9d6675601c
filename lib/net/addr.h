/*
 * Socket addresses as text: "192.0.2.1:25", "[2001:db8::1]:25", "*:25".
 * Numbers only: nothing here asks DNS.
 *
 * DIAGNOSTICS: what is wrong with a text is said in why; nothing warns.
 */
#ifndef LIB_NET_ADDR_H
#define LIB_NET_ADDR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum {
	ADDR_LIST_MAX = 64,	/* addresses of one list */
	ADDR_TEXT_MAX = 64,	/* octets of a printed address, with NUL */
};

struct addr {
	struct sockaddr_storage ss;
	socklen_t len;
};

/*
 * Reads one address. port is used where the text names none; 0 makes the port
 * a duty. "*" is not for this call. Returns 0, or -1 with why.
 */
int	addr_parse(struct addr *a, const char *p, size_t len, unsigned port,
	    struct buf *why) ATTR_CHECK;

/* The same of an IP address alone: no brackets, no port. 0, or -1. */
int	addr_of_ip(struct addr *a, const char *p, size_t len, unsigned port)
	    ATTR_CHECK;

/*
 * Reads a list, separated by blanks or commas; "*:port" stands for
 * "[::]:port 0.0.0.0:port". An empty text is an empty list. The array is the
 * caller's to free; at most ADDR_LIST_MAX. Returns 0, or -1 with why.
 */
int	addr_parse_list(const char *text, unsigned port, struct addr **list_r,
	    size_t *n_r, struct buf *why) ATTR_CHECK;

/* "192.0.2.1:25"; "local" for a Unix socket. An address of IPv4 mapped into
   IPv6 is printed as the IPv4 address that it is. Always terminated. */
void	addr_print(const struct sockaddr *sa, char *out, size_t size);
/* The same without port and brackets: "192.0.2.1", "2001:db8::1". */
void	addr_print_ip(const struct sockaddr *sa, char *out, size_t size);
/*
 * What stands for a client where clients are counted: its IPv4 address, or its
 * IPv6 /64, of which a host may use any address. Never the same number for one
 * of each; 0 for what is neither.
 */
uint64_t addr_origin(const struct sockaddr *sa);
/* The port, 0 if it has none. */
unsigned addr_port(const struct sockaddr *sa);

/* Reads an address literal's inside: 1 if the len octets are an IPv4 (v6 0) or
   IPv6 (v6 1) address as inet_pton(3) takes it. */
int	addr_is_ip(const char *p, size_t len, int v6);
/* 1 for the address that stands for all of its family: 0.0.0.0, [::]. */
int	addr_is_any(const struct sockaddr *sa);
/* 1 for loopback, unspecified and (mapped) IPv4 of these kinds. */
int	addr_is_local(const struct sockaddr *sa);

#endif
