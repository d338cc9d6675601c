#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/door.h"
#include "store/file_sieve.h"

static const char head[] = "Sieve 1";

int
script_name_ok(const char *name)
{
	size_t i, n, len = strlen(name);

	if (len == 0 || len > DOOR_SCRIPT_NAME)
		return 0;
	for (i = 0; i < len; i += n) {
		n = str_utf8(name + i, len - i);
		if (n == 0 || (unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return 0;
	}
	return 1;
}

/* "OCTETS active NAME", "OCTETS - NAME". */
static int
take_line(struct script *s, const char *p, size_t len)
{
	const char *sp = memchr(p, ' ', len), *name;
	uint64_t octets;

	if (sp == NULL || str_number(p, (size_t)(sp - p), DOOR_SCRIPT_MAX,
	    &octets) == -1)
		return -1;
	len -= (size_t)(sp + 1 - p);
	p = sp + 1;
	if ((name = memchr(p, ' ', len)) == NULL)
		return -1;
	s->active = name - p == 6 && memcmp(p, "active", 6) == 0;
	if (!s->active && (name - p != 1 || *p != '-'))
		return -1;
	s->name = name + 1;
	s->name_len = len - (size_t)(name + 1 - p);
	s->len = (size_t)octets;
	return s->name_len > 0 && s->name_len <= DOOR_SCRIPT_NAME ? 0 : -1;
}

int
scripts_parse(struct scripts *l, const char *p, size_t len)
{
	const char *end = p + len, *lf;
	struct script *s;

	l->n = 0;
	lf = memchr(p, '\n', len);
	if (lf == NULL || (size_t)(lf - p) != strlen(head) ||
	    memcmp(p, head, strlen(head)) != 0)
		return -1;
	for (p = lf + 1; p < end; p = s->text + s->len + 1) {
		if (l->n == SCRIPTS_COUNT_MAX ||
		    (lf = memchr(p, '\n', (size_t)(end - p))) == NULL)
			return -1;
		s = &l->s[l->n++];
		if (take_line(s, p, (size_t)(lf - p)) == -1)
			return -1;
		s->text = lf + 1;
		if ((size_t)(end - s->text) < s->len + 1 ||
		    s->text[s->len] != '\n')
			return -1;
	}
	return 0;
}

void
scripts_format(const struct scripts *l, struct buf *out)
{
	const struct script *s;
	size_t i;

	buf_printf(out, "%s\n", head);
	for (i = 0; i < l->n; i++) {
		s = &l->s[i];
		buf_printf(out, "%zu %s %.*s\n", s->len, s->active ? "active" :
		    "-", (int)s->name_len, s->name);
		buf_append(out, s->text, s->len);
		buf_putc(out, '\n');
	}
}

struct script *
scripts_find(struct scripts *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (name == NULL ? l->s[i].active : l->s[i].name_len ==
		    strlen(name) && memcmp(l->s[i].name, name,
		    l->s[i].name_len) == 0)
			return &l->s[i];
	return NULL;
}

void
scripts_drop(struct scripts *l, struct script *s)
{
	size_t i = (size_t)(s - l->s);

	memmove(s, s + 1, (l->n - i - 1) * sizeof(*s));
	l->n--;
}
