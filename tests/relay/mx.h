/*
 * Mail hosts for tests of relay: 127.0.0.1, 127.0.0.2, ... on one port, each
 * of them as its row says, served by threads of this process.
 */
#ifndef TESTS_RELAY_MX_H
#define TESTS_RELAY_MX_H

enum { MX_HOSTS = 16 };

struct mx {
	/* A reply in lines, or NULL: closes the connection instead. */
	const char *banner, *ehlo, *ehlo_tls, *starttls, *auth, *pass;
	const char *rset;
	const char *mail, *rcpt, *data, *dot;
	const char *second;	/* in place of rcpt, from the second on */
	int	 tls_fails;	/* garbage in place of a handshake */
	int	 tls_first;	/* TLS from the first octet */
	const char *cert;	/* of mx_cert_*; NULL: mx_cert_self */
};

/* A host that takes everything, with STARTTLS. */
extern const struct mx mx_good;

/* Makes certificates, opens the port. Once in a process. */
void	mx_begin(void);
void	mx_end(void);
extern unsigned mx_port;
/* PEM files: an authority; "mx1.test" by that authority; by itself. */
extern char mx_ca[], mx_cert_ca[], mx_cert_self[];

/* All hosts are as that, and nothing has been said. */
void	mx_all(const struct mx *m);
/* Host i, from 1. It may be changed while no connection is open. */
extern struct mx mx_host[MX_HOSTS + 1];
/*
 * What was said, one connection after the other: "1*\n" for one to host 1,
 * "1:EHLO us.test\n" and so on, "1 TLS\n" for a handshake; of a message its end
 * alone. Waits until all connections are closed.
 */
const char *mx_said(void);

#endif
