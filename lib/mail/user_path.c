/*
 * Names of accounts as folders. The escape keeps every local part that
 * RFC 5321 allows apart from every other and out of the parent folder.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/mail/limits.h"
#include "lib/mail/user_path.h"

static int
plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("._+=-", c) != NULL);
}

static int
escape(struct buf *out, const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (plain((unsigned char)p[i]) && (i > 0 || p[i] != '.'))
			buf_putc(out, p[i]);
		else
			buf_printf(out, "%%%02X", (unsigned char)p[i]);
	}
	return len == 0 ? -1 : 0;
}

int
user_path(const char *name, char *path, size_t size)
{
	struct buf out = BUF_INIT(0);
	const char *at = strrchr(name, '@');
	int r = -1;

	if (at == NULL || strlen(name) > ADDRESS_MAX || at - name > 80 ||
	    strlen(at + 1) > DOMAIN_MAX - 3)
		return -1;
	if (escape(&out, at + 1, strlen(at + 1)) == 0 &&
	    buf_putc(&out, '/') == 0 &&
	    escape(&out, name, (size_t)(at - name)) == 0 && out.len < size) {
		memcpy(path, out.data, out.len + 1);
		r = 0;
	}
	buf_clear(&out);
	return r;
}

static int
hex(int c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int
unescape(struct buf *out, const char *p, size_t len)
{
	size_t i;
	int a, b;

	for (i = 0; i < len; i++) {
		if (p[i] != '%') {
			buf_putc(out, p[i]);
			continue;
		}
		if (len - i < 3 || (a = hex(p[i + 1])) == -1 ||
		    (b = hex(p[i + 2])) == -1 || a * 16 + b == 0)
			return -1;
		buf_putc(out, (char)(a * 16 + b));
		i += 2;
	}
	return 0;
}

int
user_path_name(const char *path, char *name, size_t size)
{
	struct buf out = BUF_INIT(0);
	const char *slash = strchr(path, '/');
	int r = -1;

	if (slash != NULL && unescape(&out, slash + 1,
	    strlen(slash + 1)) == 0 && buf_putc(&out, '@') == 0 &&
	    unescape(&out, path, (size_t)(slash - path)) == 0 &&
	    out.len < size) {
		memcpy(name, buf_str(&out), out.len + 1);
		r = 0;
	}
	buf_clear(&out);
	return r;
}
