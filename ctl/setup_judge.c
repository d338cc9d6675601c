#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_ask.h"
#include "ctl/ctl_cert.h"
#include "ctl/ctl_hash.h"
#include "ctl/ctl_name.h"
#include "ctl/setup_judge.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"
#include "lib/net/addr.h"
#include "lib/net/tls.h"

/* A domain as it will be written; -1 with why. */
static int
domain_of(const char *text, struct buf *name, struct buf *why)
{
	return name_domain(text, strlen(text), name, why);
}

enum judged
judge_hostname(const struct asked *a, const char *answer, struct buf *why)
{
	struct buf name = BUF_INIT(DOMAIN_MAX);
	enum judged r = JUDGED_GOOD;

	if (domain_of(answer, &name, why) == -1) {
		buf_puts(why, _(": write it like mail.example.org"));
		r = JUDGED_BAD;
	} else if (strchr(buf_str(&name), '.') == NULL) {
		buf_set(why, _("%s is no full name: write it with its domain, "
		    "like %s.example.org"), buf_str(&name), buf_str(&name));
		r = JUDGED_DOUBT;
	}
	buf_clear(&name);
	return r;
}

enum judged
judge_domain(const struct asked *a, const char *answer, struct buf *why)
{
	struct buf name = BUF_INIT(DOMAIN_MAX);
	int r = domain_of(answer, &name, why);

	if (r == -1)
		buf_puts(why, strchr(answer, '@') != NULL ?
		    _(": write what stands behind the @") :
		    _(": write it like example.org"));
	buf_clear(&name);
	return r == -1 ? JUDGED_BAD : JUDGED_GOOD;
}

/* True where the address (normalised) is of the domain that was answered. */
static int
is_of_domain(const struct asked *a, const char *address)
{
	struct buf name = BUF_INIT(DOMAIN_MAX), why = BUF_INIT(0);
	const char *at = strrchr(address, '@');
	int r = domain_of(a->domain, &name, &why) == 0 && at != NULL &&
	    strcmp(at + 1, buf_str(&name)) == 0;

	buf_clear(&name);
	buf_clear(&why);
	return r;
}

enum judged
judge_user(const struct asked *a, const char *answer, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX);
	enum judged r = JUDGED_GOOD;

	if (name_address(answer, strlen(answer), NAME_ACCOUNT, &name, why) ==
	    -1) {
		buf_printf(why, _(": write it like anna@%s"), a->domain);
		r = JUDGED_BAD;
	} else if (!is_of_domain(a, buf_str(&name))) {
		buf_set(why, _("%s is not of the domain above: write "
		    "NAME@%s"), buf_str(&name), a->domain);
		r = JUDGED_BAD;
	}
	buf_clear(&name);
	return r;
}

/* A line "user = ADDRESS PASSWORD" is made of it. */
enum judged
judge_password(const struct asked *a, const char *answer, struct buf *why)
{
	struct buf fields = BUF_INIT(0), note = BUF_INIT(0);
	int r = -1;

	if (*answer == '\0')
		buf_set(why, _("it is empty: type one"));
	else if (strchr(" \t", answer[0]) != NULL ||
	    strchr(" \t", answer[strlen(answer) - 1]) != NULL)
		buf_set(why, _("a blank at its end: type one without, or set "
		    "it later with rohrpost user passwd"));
	else
		r = hash_fields(answer, 0, &fields, &note, why);
	buf_wipe(&fields);
	buf_clear(&note);
	return r == -1 ? JUDGED_BAD : JUDGED_GOOD;
}

enum judged
judge_postmaster(const struct asked *a, const char *answer, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), user = BUF_INIT(ADDRESS_MAX);
	enum judged r = JUDGED_GOOD;

	if (name_address(answer, strlen(answer), NAME_TARGET, &name, why) ==
	    -1) {
		buf_printf(why, _(": write an address, like %s"), a->user);
		r = JUDGED_BAD;
	} else if (is_of_domain(a, buf_str(&name)) &&
	    (name_address(a->user, strlen(a->user), NAME_ACCOUNT, &user,
	    why) == -1 || str_casecmp(buf_str(&name), buf_str(&user)) != 0)) {
		buf_set(why, _("there is no %s yet: write %s, or an address "
		    "elsewhere"), buf_str(&name), a->user);
		r = JUDGED_BAD;
	}
	buf_clear(&name);
	buf_clear(&user);
	return r;
}

const char *
profile_name(const char *answer)
{
	static const char *const names[] = { "direct", "relay", "collector" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(answer, names[i]) == 0 || (answer[0] ==
		    (char)('1' + i) && answer[1] == '\0'))
			return names[i];
	return NULL;
}

enum judged
judge_profile(const struct asked *a, const char *answer, struct buf *why)
{
	if (profile_name(answer) != NULL)
		return JUDGED_GOOD;
	buf_set(why, _("there is no \"%.40s\": write 1 (direct), 2 (relay) or "
	    "3 (collector)"), answer);
	return JUDGED_BAD;
}

enum judged
judge_relay_host(const struct asked *a, const char *answer, struct buf *why)
{
	struct buf name = BUF_INIT(DOMAIN_MAX);
	size_t n = strlen(answer);
	enum judged r = JUDGED_GOOD;

	if (n > 2 && answer[0] == '[' && answer[n - 1] == ']' &&
	    (addr_is_ip(answer + 1, n - 2, 0) ||
	    addr_is_ip(answer + 1, n - 2, 1)))
		return JUDGED_GOOD;
	if (domain_of(answer, &name, why) == -1) {
		buf_puts(why, strchr(answer, ':') != NULL ? _(": write the "
		    "name alone; its port is relay_port in rohrpost.conf") :
		    _(": write a name, or an address like [192.0.2.1]"));
		r = JUDGED_BAD;
	}
	buf_clear(&name);
	return r;
}

enum judged
judge_relay_user(const struct asked *a, const char *answer, struct buf *why)
{
	if (strlen(answer) <= 255 && str_is_text(answer, strlen(answer)))
		return JUDGED_GOOD;
	buf_set(why, _("a login has at most 255 octets of text"));
	return JUDGED_BAD;
}

/*
 * The file can be read; -1 with why. path_r: absolute, to be freed. Where it is
 * of a certificate there need be none.
 */
static int
find_file(const char *answer, int certificate, char **path_r, struct buf *why)
{
	*path_r = realpath(answer, NULL);
	if (*path_r != NULL && access(*path_r, R_OK) == 0)
		return 0;
	buf_set(why, certificate ? _("%s: %s: write the path of a PEM file, or "
	    "self-signed") : _("%s: %s: write the path of a PEM file"), answer,
	    strerror(errno));
	return -1;
}

enum judged
judge_certificate(const struct asked *a, const char *answer, struct buf *why)
{
	enum judged r = JUDGED_GOOD;
	const char *hidden;
	char *path = NULL;

	if (strcmp(answer, "self-signed") == 0)
		return JUDGED_GOOD;
	if (find_file(answer, 1, &path, why) == -1) {
		r = JUDGED_BAD;
	} else if (!cert_reads(path)) {
		buf_set(why, _("%s: no certificate as PEM: its first line is "
		    "-----BEGIN CERTIFICATE-----"), answer);
		r = JUDGED_BAD;
	} else if ((hidden = cert_hidden(a->dir, path)) != NULL) {
		buf_set(why, _("%s: systemd hides %s from the programs: copy "
		    "it to %s"), answer, hidden, a->dir);
		r = JUDGED_DOUBT;
	} else if (cert_judge(path, a->hostname, why) == -1) {
		/* One line is enough, and the key of the configuration was
		   not what was asked for. */
		buf_truncate(why, strcspn(buf_str(why), "\n"));
		buf_consume(why, strcspn(buf_str(why), " ") + 1);
		r = JUDGED_DOUBT;
	}
	free(path);
	return r;
}

enum judged
judge_key(const struct asked *a, const char *answer, struct buf *why)
{
	enum judged r = JUDGED_BAD;
	SSL_CTX *ctx;
	char *path;

	if (find_file(answer, 0, &path, why) == 0) {
		ctx = tls_server_new(TLS_PATHS(a->certificate, path), NULL, 0,
		    why);
		if (ctx == NULL)
			buf_printf(why, _(": write the file of the key that %s "
			    "was made with"), a->certificate);
		else
			r = JUDGED_GOOD;
		tls_free(&ctx);
	}
	free(path);
	return r;
}

enum judged
judge_yes(const struct asked *a, const char *answer, struct buf *why)
{
	if (ctl_is_yes(answer) || ctl_is_no(answer))
		return JUDGED_GOOD;
	buf_set(why, _("write yes or no"));
	return JUDGED_BAD;
}

enum judged
judge_test_address(const struct asked *a, const char *answer,
    struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX);
	int r = 0;

	if (strcmp(answer, "none") != 0)
		r = name_address(answer, strlen(answer), NAME_TARGET, &name,
		    why);
	if (r == -1)
		buf_puts(why, _(": write an address of yours elsewhere, or "
		    "none"));
	buf_clear(&name);
	return r == -1 ? JUDGED_BAD : JUDGED_GOOD;
}
