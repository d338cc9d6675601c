/*
 * The configuration file: rohrpost.conf in the configuration directory.
 *
 * Lines are "key = value"; "#" starts a comment at the start of a line; blank
 * lines count for nothing; a key stands at most once. Each program owns a
 * const table of the keys it reads and a struct they are written to; it
 * ignores the keys of the others (`rohrpost config check` asks every program
 * for its table, with the option -K, and so finds a key that nobody knows).
 * A key that several programs read is a macro here, so that type, default and
 * bounds cannot differ.
 *
 * DIAGNOSTICS: a bad line is answered with "FILE:LINE: words" in why.
 */
#ifndef LIB_SERVER_SETTINGS_H
#define LIB_SERVER_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/words.h"

enum { SETTINGS_PATH_MAX = 1024 };

enum settings_type {
	SETTINGS_TEXT,		/* char *: never NULL */
	SETTINGS_HOST,		/* the same, a host's name or empty */
	SETTINGS_NUMBER,	/* uint64_t: min..max */
	SETTINGS_SIZE,	/* uint64_t octets: 10, 10K, 25M, 2G (of 1024) */
	SETTINGS_TIME,		/* uint64_t seconds: 10s, 5m, 2h, 5d */
	SETTINGS_BOOL,		/* int: yes, no */
	SETTINGS_CHOICE,		/* int: index in the words of choices */
};

struct settings_key {
	const char *name;
	enum settings_type type;
	size_t	 offset;	/* in the program's struct */
	const char *def;	/* default, as text */
	uint64_t min, max;	/* text: bounds of its length */
	const char *choices;	/* SETTINGS_CHOICE: "never may must" */
	const char *help;	/* one line, for -K and config show */
};

/* Keys that several programs read. c is the struct, m its member. */
#define SETTINGS_KEY_HOSTNAME(c, m) \
	{ "hostname", SETTINGS_HOST, offsetof(c, m), "", 0, 255, NULL, \
	  N_("fully qualified name of this host, as in EHLO and Received") }
#define SETTINGS_KEY_STATE(c, m) \
	{ "state_dir", SETTINGS_TEXT, offsetof(c, m), STATEDIR, 1, 900, NULL, \
	  N_("directory of spool, jail, run and log") }
#define SETTINGS_KEY_MESSAGE_SIZE(c, m) \
	{ "message_size", SETTINGS_SIZE, offsetof(c, m), "50M", 1024, \
	  (uint64_t)2 << 30, NULL, N_("largest message accepted") }
#define SETTINGS_KEY_CERT(c, m) \
	{ "tls_certificate", SETTINGS_TEXT, offsetof(c, m), "", 0, 900, NULL, \
	  N_("PEM file of the certificate chain") }
#define SETTINGS_KEY_CERT_KEY(c, m) \
	{ "tls_key", SETTINGS_TEXT, offsetof(c, m), "", 0, 900, NULL, \
	  N_("PEM file of the certificate's private key") }
/* Read by queue and relay: empty, everything remote goes by MX. */
#define SETTINGS_KEY_RELAY_HOST(c, m) \
	{ "relay_host", SETTINGS_TEXT, offsetof(c, m), "", 0, 255, NULL, \
	  N_("smarthost for all outgoing mail, a name or [address]; " \
	  "empty: by MX") }
/* Read by smtpd and signer. */
#define SETTINGS_KEY_LOCAL_TRUSTED(c, m) \
	{ "local_trusted", SETTINGS_TEXT, offsetof(c, m), "", 0, 900, NULL, \
	  N_("system users, besides root, that may use any sender locally") }
/* Read by master and queue. */
#define SETTINGS_KEY_RELAY_WORKERS(c, m) \
	{ "relay_workers", SETTINGS_NUMBER, offsetof(c, m), "100", 1, 500, \
	  NULL, N_("most processes that send mail to other servers") }
/* Read by master and collect. */
#define SETTINGS_KEY_COLLECT_WORKERS(c, m) \
	{ "collect_workers", SETTINGS_NUMBER, offsetof(c, m), "50", 1, 1000, \
	  NULL, N_("most accounts at providers that are fetched from at a " \
	  "time") }
/* Read by auth and the operator's command. */
#define SETTINGS_KEY_AUTH_SCRAM(c, m) \
	{ "auth_scram", SETTINGS_BOOL, offsetof(c, m), "no", 0, 0, NULL, \
	  N_("keep SCRAM-SHA-256 keys beside the hashes of passwords") }
/* Checked by auth, compiled by the operator's command. */
#define SETTINGS_KEY_USER_PROTOCOLS(c, m) \
	{ "user_protocols", SETTINGS_TEXT, offsetof(c, m), \
	  "imap+pop3+submission", 1, 40, NULL, \
	  N_("protocols that accounts log in by, where no table says it; " \
	  "counts from the next apply on") }
/* Read by master, auth and the operator's command. */
#define SETTINGS_KEY_PAM_WORKERS(c, m) \
	{ "auth_pam_workers", SETTINGS_NUMBER, offsetof(c, m), "0", 0, 64, \
	  NULL, N_("processes that ask PAM for the passwords of the users in " \
	  "pam_group; 0: PAM is off") }
/* Read by pam and the operator's command. */
#define SETTINGS_KEY_PAM_GROUP(c, m) \
	{ "pam_group", SETTINGS_TEXT, offsetof(c, m), "rohrpost-mail", 1, 255, \
	  NULL, N_("group of this host whose members have a mailbox and log in " \
	  "by PAM") }
#define SETTINGS_KEY_PAM_DOMAIN(c, m) \
	{ "pam_domain", SETTINGS_HOST, offsetof(c, m), "", 0, 255, NULL, \
	  N_("domain of their addresses; empty: the first one in domains") }
#define SETTINGS_KEY_VERBOSE(c, m) \
	{ "verbose", SETTINGS_BOOL, offsetof(c, m), "no", 0, 0, NULL, \
	  N_("write debug lines to the log") }

#define SETTINGS_END { .name = NULL }

/*
 * Sets every key of the table in conf: from the file dir/rohrpost.conf, else
 * its default. Relative paths stay as they are. Returns 0; -1 with why. Texts
 * are allocated and stay for the life of the process; those in conf are NULL
 * or of an earlier call, and are kept where they have not changed.
 */
int	settings_load(const char *dir, const struct settings_key *keys,
	    void *conf, struct buf *why) ATTR_CHECK;
/* The same from text in memory; name stands for the file in messages. */
int	settings_parse(const char *text, size_t len, const char *name,
	    const struct settings_key *keys, void *conf, struct buf *why)
	    ATTR_CHECK;
/* The same from an open file (a process in its jail is handed one). */
int	settings_load_fd(int fd, const char *name,
	    const struct settings_key *keys, void *conf, struct buf *why)
	    ATTR_CHECK;
/*
 * Splits one line in place: NUL ends it, there is no LF. 1 and the key and its
 * value, without the blanks around them (CR is one); 0 for a blank line or a
 * comment; -1 with fault_r.
 */
int	settings_split(char *line, char **key_r, char **value_r,
	    const char **fault_r) ATTR_CHECK;
/* Opens dir/rohrpost.conf; -1 with why. path_r is its name for messages. */
int	settings_open(const char *dir, char path_r[SETTINGS_PATH_MAX],
	    struct buf *why) ATTR_CHECK;
/*
 * Puts "FILE:LINE: " in front of why where that begins with "KEY: " and the
 * key stands in the file: for what is found wrong later than here.
 */
void	settings_place(const char *dir, struct buf *why);
/*
 * The name of this host: configured (the key hostname), or the machine's where
 * that is empty; "localhost" where it has none. It stays for the life of the
 * process, also when the machine is given another name.
 */
const char *settings_hostname(const char *configured);
/*
 * Prints the table to standard output, a line per key: name, type, default,
 * min, max, choices, help, separated by tabs (option -K of every program).
 */
void	settings_print(const struct settings_key *keys);
/*
 * Calls each with every key = value of the file, in order (for config check
 * and show). Stops at the first non-zero return of each and returns it.
 */
int	settings_walk(const char *dir, int (*each)(const char *key,
	    const char *value, unsigned line, void *arg), void *arg,
	    struct buf *why) ATTR_CHECK;

#endif
