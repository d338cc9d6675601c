#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_name.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/address.h"

void
name_trim(const char **p, size_t *len)
{
	while (*len > 0 && (**p == ' ' || **p == '\t')) {
		(*p)++;
		(*len)--;
	}
	while (*len > 0 && ((*p)[*len - 1] == ' ' || (*p)[*len - 1] == '\t' ||
	    (*p)[*len - 1] == '\r'))
		(*len)--;
}

int
name_domain(const char *p, size_t len, struct buf *out, struct buf *why)
{
	char domain[DOMAIN_MAX + 1];
	enum address_result r;

	r = address_domain_parse(p, len, domain, NULL);
	if (r == ADDRESS_OK && buf_puts(out, domain) == 0)
		return 0;
	buf_set(why, "%.*s: %s", (int)(len > 300 ? 300 : len), p,
	    len == 0 ? _("a domain is missing") : _("not a domain name"));
	return -1;
}

/*
 * RFC 5322 3.2.3 dot-atom. The account's local part becomes a directory name,
 * and "+" separates its tag, so that one takes a smaller set.
 */
static int
local_ok(const char *p, size_t len, enum name_kind kind)
{
	static const char any[] = "!#$%&'*+-/=?^_`{|}~";
	static const char account[] = "-_=&'~";
	const char *more = kind == NAME_ACCOUNT ? account : any;
	size_t i, max = kind == NAME_ACCOUNT ? ACCOUNT_LOCAL_MAX :
	    LOCAL_PART_MAX;

	if (len == 0 || len > max || p[0] == '.' ||
	    p[len - 1] == '.')
		return 0;
	for (i = 0; i < len; i++) {
		if (p[i] == '.' && p[i + 1] == '.')
			return 0;
		if (p[i] != '.' && !(p[i] >= 'a' && p[i] <= 'z') &&
		    !(p[i] >= 'A' && p[i] <= 'Z') &&
		    !(p[i] >= '0' && p[i] <= '9') &&
		    (p[i] == '\0' || strchr(more, p[i]) == NULL))
			return 0;
	}
	return 1;
}

/* Dots at an end or side by side, in what is a local part otherwise. */
static int
has_odd_dots(const char *p, size_t len)
{
	return len > 0 && (p[0] == '.' || p[len - 1] == '.' ||
	    memmem(p, len, "..", 2) != NULL);
}

/* Why it is no local part of that kind. */
static const char *
local_fault(const char *p, size_t len, enum name_kind kind)
{
	if (len == 0)
		return _("nothing stands before the @");
	if (len > LOCAL_PART_MAX)
		return _("more than 255 octets before the @");
	if (kind != NAME_ACCOUNT)
		/* xgettext:no-c-format */
		return _("not a local part (letters, digits, . and "
		    "!#$%&'*+-/=?^_`{|}~)");
	if (len > ACCOUNT_LOCAL_MAX)
		return _("not the name of an account: more than 64 octets "
		    "before the @; an alias may have 255");
	return has_odd_dots(p, len) ? _("not the name of an account: dots at "
	    "an end or side by side; make it an alias of one") : _("not the "
	    "name of an account (letters, digits and . - _ = & ' ~)");
}

/*
 * Some providers gave out addresses with dots in odd places. smtpd takes them
 * and goes on with their local part in quotes (RFC 5321 4.1.2): so do we. What
 * was typed in quotes is for nobody.
 */
static int
name_odd(const char *p, size_t len, enum name_kind kind, struct buf *out)
{
	size_t start = out->len, at;
	struct address a;

	if (kind == NAME_ACCOUNT || memchr(p, '"', len) != NULL ||
	    !has_odd_dots(p, (size_t)((const char *)memrchr(p, '@', len) -
	    p)) || address_parse(&a, p, len) != ADDRESS_OK || a.literal)
		return -1;
	at = a.at;
	if (buf_append(out, a.text, a.len) == -1) {
		buf_truncate(out, start);
		return -1;
	}
	if (kind != NAME_TARGET)
		str_tolower(out->data + start, at);
	return 0;
}

static int
name_bare(const char *p, size_t len, enum name_kind kind, struct buf *out,
    struct buf *why)
{
	if (kind == NAME_ALIAS && (str_is(p, len, "postmaster") ||
	    str_is(p, len, "abuse"))) {
		buf_append(out, p, len);
		str_tolower(out->data + out->len - len, len);
		return 0;
	}
	buf_set(why, _("%.*s: not an address (local@domain)"),
	    (int)(len > 300 ? 300 : len), p);
	return -1;
}

int
name_address(const char *p, size_t len, enum name_kind kind, struct buf *out,
    struct buf *why)
{
	struct buf domain = BUF_INIT(DOMAIN_MAX);
	const char *at = memrchr(p, '@', len);
	size_t llen, start = out->len;
	int r;

	if (at == NULL || !str_is_text(p, len))
		return name_bare(p, str_is_text(p, len) ? len : 0, kind, out,
		    why);
	/* The catch-all, as Postfix, Exim and others write it. */
	if (kind == NAME_ALIAS && len > 1 && p[0] == '*' && at == p + 1) {
		p++;
		len--;
	}
	llen = (size_t)(at - p);
	if (!(llen == 0 && kind == NAME_ALIAS) && !local_ok(p, llen, kind)) {
		if (name_odd(p, len, kind, out) == 0)
			return 0;
		buf_set(why, "%.*s: %s", (int)(llen > 300 ? 300 : llen), p,
		    local_fault(p, llen, kind));
		return -1;
	}
	r = name_domain(at + 1, len - llen - 1, &domain, why);
	if (r == 0 && (buf_append(out, p, llen) == -1 ||
	    buf_putc(out, '@') == -1 ||
	    buf_append(out, domain.data, domain.len) == -1)) {
		buf_truncate(out, start);
		buf_set(why, _("the address is too long"));
		r = -1;
	}
	/* Elsewhere the case of a local part may count (RFC 5321 2.4). */
	if (r == 0 && kind != NAME_TARGET)
		str_tolower(out->data + start, llen);
	buf_clear(&domain);
	return r;
}

int
name_size(const char *p, size_t len, uint64_t *r)
{
	static const char units[] = "KMGT";
	const char *u = NULL;
	uint64_t v, shift = 0;

	if (len > 1)
		u = memchr(units, p[len - 1] & ~0x20, 4);
	if (u != NULL) {
		shift = 10 * (uint64_t)(u - units + 1);
		len--;
	}
	if (str_number(p, len, UINT64_MAX >> (shift + 1), &v) == -1)
		return -1;
	*r = v << shift;
	return 0;
}
