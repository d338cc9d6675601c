/*
 * The compiled tables: jail/tables.cdb, made by `rohrpost apply` from the text
 * files domains, users and aliases. One file, so that every program sees one
 * consistent state; replaced by rename; reopened where its inode changed.
 *
 * Keys and values (all addresses in lower case; domains as A-labels):
 *   "d" domain            "l" local | "a" target domain (alias domain; the
 *                         host's own name is one, too) | "A" target domain
 *                         (the same, with lines of its own: "u" and "a" of an
 *                         address there win; format 2)
 *   "u" local@domain      packed: u64 quota octets (0: none), u64 quota count,
 *                         u32 flags           an account and its main address;
 *                         u32 pop3_keep, expire_trash, expire_junk: seconds
 *   "a" local@domain      packed lv list of targets    an alias; at an alias
 *                         domain, without a target: nobody; postmaster and
 *                         abuse stand here for each local domain, unless the
 *                         operator made them accounts
 *   "a" "postmaster"      the same, for the address without a domain
 *   "a" prefix*@domain    the same: a wildcard
 *   "w"                   the lengths of all prefixes, an octet each, the
 *                         longest first; absent where there is no wildcard
 *   "a" @domain           the same: catch-all
 *   "e" the same          the owner of the alias of that key, the envelope
 *                         sender of what it sends on: it is a mailing list
 *   "o" address NUL login ""     the login owns that address, may send from it;
 *                         address prefix*@domain: the wildcard leads to it,
 *                         @domain: the catch-all does
 *   "r" local@domain      local@domain: who had that name, and is no account
 *                         by it, has this one now
 *   "m" local@domain      local@domain: the mail of that account is still under
 *                         this name (format 3)
 *   "q" domain            packed: u64 octets, u64 messages (0: none): the bounds
 *                         of all its accounts together (format 4)
 *   "Q"                   "": some domain has such bounds
 *   "k" domain            packed: of each active key u8 enum dkim_algorithm,
 *                         u32 octets of a signature, lv selector
 *   "f"                   u32 format version, u64 time of the apply
 *
 * Beside it lies auth/passwd.cdb, made by the same apply: key local@domain,
 * value what stands after the ":" of its line (lib/mail/credential.h), and
 * the same "f"; without "f" it is of version 0, in which a value is a hash. That
 * of a host's user has pam=NAME, which a reader that does not know it passes
 * over: no format of its own. A disabled account is left out of it, so that auth
 * cannot answer it otherwise than an unknown one. And jail/dkim.cdb, for signer alone: key
 * selector._domainkey.domain, value the private key (lib/mail/dkim_key.h).
 *
 * Look-ups have three results: found, absent, error (try later). While a new
 * file cannot be opened, or is of a newer version, what the one before lacks is
 * an error.
 */
#ifndef LIB_MAIL_TABLES_H
#define LIB_MAIL_TABLES_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/dkim.h"
#include "lib/mail/limits.h"

/* What passwd.cdb says of a disabled account: a field that is no password. */
#define PASSWD_DISABLED	"disabled=yes"

/*
 * The versions that are known; a reader refuses what is newer. The compile
 * writes 1 where a file says nothing that a reader of 1 must not pass over:
 * 2 is written where an account may not send or an alias domain has lines of its
 * own (tables.cdb), or may not log in by every protocol (passwd.cdb); 3 while the
 * mail of a renamed account is under its old name, 4 where a domain has bounds
 * (tables.cdb).
 */
enum { TABLES_FORMAT = 4, PASSWD_FORMAT = 2, DKIM_FORMAT = 1 };

enum lookup {
	LOOKUP_ERROR = -1,	/* say "later" */
	LOOKUP_ABSENT = 0,
	LOOKUP_FOUND = 1,
};

struct tables;

struct tables_user {
	uint64_t quota_size;	/* octets; 0: none */
	uint64_t quota_count;	/* messages; 0: none */
	uint32_t flags;		/* enum tables_flag */
	/* Seconds, or TABLES_UNSAID: store's settings hold. */
	uint32_t pop3_keep;	/* 0: not at all */
	uint32_t expire_trash, expire_junk;	/* 0: never */
};

#define TABLES_UNSAID	UINT32_MAX

enum tables_flag {
	TABLES_DISABLED = 1,	/* no login; mail is still taken */
	TABLES_SILENT = 2,	/* may not send (format 2) */
	TABLES_NO_QUOTA = 4,	/* no line says a quota: store's settings do */
};

enum tables_kind {
	TABLES_ABSENT,		/* our domain, no such address: 5.1.1 */
	TABLES_REMOTE,		/* not our domain */
	TABLES_USER,		/* name_r is the account */
	TABLES_ALIAS,		/* list_r holds targets */
	TABLES_ERROR,		/* later */
};

/* Opens path; the handle reopens it when the file is replaced. */
struct tables *tables_open(const char *path, struct buf *why);
void	tables_free(struct tables **t);
/* Looks whether the file was replaced; call once per transaction. */
void	tables_refresh(struct tables *t);

/*
 * Is the (lower-case) domain ours? Then name_r, unless NULL, is the domain
 * that it stands for: itself, or what it is an alias of.
 */
enum lookup tables_domain(struct tables *t, const char *domain,
	    struct buf *name_r);

/*
 * What an address is: resolves alias domains (a line for the address there,
 * with the tag or without, wins), +tag (RFC 5233 subaddress: the
 * address as given, then without the tag), postmaster and abuse at each
 * domain, then the wildcard with the longest prefix, then catch-all. address is local@domain in any case; without "@"
 * only "postmaster" is known (RFC 5321 4.5.1). For TABLES_USER name_r is the
 * account's name; for TABLES_ALIAS list_r is a packed lv list of target
 * addresses. One step only: queue follows chains.
 */
enum tables_kind tables_address(struct tables *t, const char *address,
	    struct buf *name_r, struct buf *list_r);
/* The same; for TABLES_ALIAS owner_r is its owner's address, or empty. */
enum tables_kind tables_list(struct tables *t, const char *address,
	    struct buf *name_r, struct buf *list_r, struct buf *owner_r);
enum lookup tables_user(struct tables *t, const char *name,
	    struct tables_user *u_r);
/*
 * Who had that address, in any case, with a tag or without, and gave it up by
 * a rename: name_r is the account's name now.
 */
enum lookup tables_renamed(struct tables *t, const char *address,
	    struct buf *name_r);
/* The name that the account's mail is under, while that is another. */
enum lookup tables_former(struct tables *t, const char *name,
	    struct buf *old_r);
/*
 * May login send with that address as MAIL FROM? Its own, each alias that
 * leads to it, both with any +tag and at alias domains, and any address that
 * is neither account nor alias where the wildcard that takes it, or where there
 * is none the catch-all, leads to it.
 */
enum lookup tables_owns(struct tables *t, const char *login,
	    const char *address);

enum { TABLES_KEYS_MAX = 4 };	/* active keys of a domain */

struct tables_key {
	enum dkim_algorithm algorithm;
	size_t	 size;		/* octets of a signature */
	char	 selector[DKIM_SELECTOR_MAX + 1];
};

/*
 * The keys that sign for the (lower-case) domain. ABSENT: none; what is of an
 * algorithm that is not known is left out.
 */
enum lookup tables_keys(struct tables *t, const char *domain,
	    struct tables_key key_r[TABLES_KEYS_MAX], unsigned *n_r);

/* What the accounts of a domain may hold together. */
struct tables_sum {
	char	 domain[DOMAIN_MAX + 1];	/* whose sum it is */
	uint64_t size;		/* octets; 0: no bound */
	uint64_t count;		/* messages; the same */
};
/*
 * Of the (lower-case) domain, or what that is an alias of. ABSENT: not ours;
 * one without bounds is FOUND.
 */
enum lookup tables_sum(struct tables *t, const char *domain,
	    struct tables_sum *s_r);
/* Has any domain such bounds? */
enum lookup tables_sums(struct tables *t);
/*
 * Is the account over its quota, or its domain? Reads jail/state/full.cdb (key:
 * account, or "@" and the domain), which store replaces when it changes. Absent
 * file: no.
 */
enum lookup tables_full(struct tables *t, const char *name);

#endif
