#include "config.h"

#include <idn2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_name.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/limits.h"

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

/* RFC 5321 4.1.2: sub-domain = Let-dig [Ldh-str]; dots only between them. */
static int
is_hostname(const char *s)
{
	size_t label = 0, total = strlen(s);
	const char *p;

	if (total == 0 || total > 253)
		return 0;
	for (p = s; *p != '\0'; p++) {
		if (*p == '.') {
			if (label == 0 || p[-1] == '-' || p[1] == '\0')
				return 0;
			label = 0;
			continue;
		}
		if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') ||
		    (*p == '-' && label > 0)))
			return 0;
		if (++label > LABEL_MAX)
			return 0;
	}
	return p[-1] != '-';
}

int
name_domain(const char *p, size_t len, struct buf *out, struct buf *why)
{
	char *text, *ascii = NULL;
	int r;

	if (len == 0 || len > DOMAIN_MAX * 4 || !str_is_text(p, len)) {
		buf_set(why, len == 0 ? "a domain is missing" :
		    "not a domain name");
		return -1;
	}
	text = mem_strndup(p, len);
	r = idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT |
	    IDN2_NONTRANSITIONAL);
	if (r != IDN2_OK) {
		buf_set(why, "%s: not a domain name: %s", text,
		    idn2_strerror(r));
		free(text);
		return -1;
	}
	str_tolower(ascii, strlen(ascii));
	if (!is_hostname(ascii)) {
		buf_set(why, "%s: not a domain name", text);
		r = -1;
	} else {
		r = buf_puts(out, ascii);
	}
	idn2_free(ascii);
	free(text);
	return r == 0 ? 0 : -1;
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
	size_t i;

	if (len == 0 || len > LOCAL_PART_MAX || p[0] == '.' ||
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
	buf_set(why, "%.*s: not an address (local@domain)",
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
	llen = (size_t)(at - p);
	if (!(llen == 0 && kind == NAME_ALIAS) && !local_ok(p, llen, kind)) {
		buf_set(why, "%.*s: %s", (int)(llen > 300 ? 300 : llen), p,
		    kind == NAME_ACCOUNT ? "not the name of an account "
		    "(letters, digits and . - _ = & ' ~)" :
		    "not a local part (letters, digits, . and "
		    "!#$%&'*+-/=?^_`{|}~)");
		return -1;
	}
	r = name_domain(at + 1, len - llen - 1, &domain, why);
	if (r == 0 && (buf_append(out, p, llen) == -1 ||
	    buf_putc(out, '@') == -1 ||
	    buf_append(out, domain.data, domain.len) == -1)) {
		buf_truncate(out, start);
		buf_set(why, "the address is too long");
		r = -1;
	}
	if (r == 0)
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
