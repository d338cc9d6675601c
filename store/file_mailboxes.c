#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/door_proto.h"
#include "store/file_mailboxes.h"

static const struct {
	uint32_t bit;
	const char *word;
} words[] = {
	{ ATTR_DRAFTS, "drafts" }, { ATTR_SENT, "sent" },
	{ ATTR_TRASH, "trash" }, { ATTR_JUNK, "junk" },
	{ ATTR_ARCHIVE, "archive" }, { ATTR_FLAGGED, "flagged" },
	{ ATTR_SUBSCRIBED, "subscribed" }, { ATTR_NOSELECT, "noselect" },
};

enum { WORDS = sizeof(words) / sizeof(words[0]) };

void
boxes_clear(struct boxes *b)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		free(b->box[i].name);
	for (i = 0; i < b->n_subscribed; i++)
		free(b->subscribed[i]);
	free(b->box);
	free(b->subscribed);
	memset(b, 0, sizeof(*b));
}

/* Length of the UTF-8 sequence at p (RFC 3629), 0 where it is none. */
static size_t
utf8_len(const unsigned char *p, size_t left)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 :
	    p[0] >= 0xe0 && p[0] < 0xf0 ? 3 :
	    p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;
	size_t i;

	if (n > left)
		return 0;
	for (i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static int
level_ok(const char *p, size_t len)
{
	return len > 0 && !(len == 1 && p[0] == '.') &&
	    !(len == 2 && p[0] == '.' && p[1] == '.');
}

int
boxes_name_ok(const char *name)
{
	size_t len = strlen(name), i, n, start = 0, depth = 1;

	if (len == 0 || len > DOOR_NAME_MAX)
		return 0;
	for (i = 0; i < len; i += n) {
		n = utf8_len((const unsigned char *)name + i, len - i);
		if (n == 0 || (unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return 0;
		if (name[i] != '/')
			continue;
		if (!level_ok(name + start, i - start) ||
		    ++depth > DOOR_DEPTH_MAX)
			return 0;
		start = i + 1;
	}
	return level_ok(name + start, len - start);
}

void
boxes_name_fix(char *name)
{
	if (strncasecmp(name, "INBOX", 5) == 0 &&
	    (name[5] == '\0' || name[5] == '/'))
		memcpy(name, "INBOX", 5);
}

int
boxes_cmp(const char *a, const char *b)
{
	int ia = strcmp(a, "INBOX") == 0, ib = strcmp(b, "INBOX") == 0;

	return ia != ib ? ib - ia : strcmp(a, b);
}

/* Cuts the next word, up to a space, off the line. */
static const char *
word(char **line)
{
	char *p = *line, *end = strchr(p, ' ');

	if (end == NULL) {
		*line = p + strlen(p);
	} else {
		*end = '\0';
		*line = end + 1;
	}
	return p;
}

static int
number(const char *s, uint32_t *r)
{
	uint64_t v;

	if (str_number(s, strlen(s), UINT32_MAX, &v) == -1)
		return -1;
	*r = (uint32_t)v;
	return 0;
}

static int
attrs_of(char *s, uint32_t *r)
{
	char *p, *save = NULL;
	size_t i;

	*r = 0;
	if (strcmp(s, "-") == 0)
		return 0;
	for (p = strtok_r(s, ",", &save); p != NULL;
	    p = strtok_r(NULL, ",", &save)) {
		for (i = 0; i < WORDS && strcmp(words[i].word, p) != 0; i++)
			;
		if (i == WORDS)
			return -1;
		*r |= words[i].bit;
	}
	return 0;
}

static const char *
parse_mailbox(struct boxes *b, char *line)
{
	struct box x;

	if (number(word(&line), &x.id) == -1 || x.id == 0 ||
	    (b->n > 0 && x.id <= b->box[b->n - 1].id))
		return "bad id";
	if (number(word(&line), &x.uidvalidity) == -1 || x.uidvalidity == 0)
		return "bad uidvalidity";
	if (attrs_of((char *)(uintptr_t)word(&line), &x.attrs) == -1)
		return "unknown attribute";
	if (!boxes_name_ok(line) || b->n == DOOR_MAILBOXES_MAX)
		return "bad name, or too many";
	x.name = mem_strdup(line);
	b->box = mem_realloc(b->box, b->n + 1, sizeof(*b->box));
	b->box[b->n++] = x;
	return NULL;
}

static const char *
parse_subscribed(struct boxes *b, const char *line)
{
	if (!boxes_name_ok(line) || b->n_subscribed == DOOR_SUBSCRIBED_MAX)
		return "bad name, or too many";
	b->subscribed = mem_realloc(b->subscribed, b->n_subscribed + 1,
	    sizeof(*b->subscribed));
	b->subscribed[b->n_subscribed++] = mem_strdup(line);
	return NULL;
}

static const char *
parse_line(struct boxes *b, char *line, unsigned n)
{
	const char *w;

	if (n == 1)
		return strcmp(line, "rohrpost-mailboxes 1") == 0 ? NULL :
		    "not a mailboxes file of version 1";
	w = word(&line);
	if (strcmp(w, "mailbox") == 0)
		return parse_mailbox(b, line);
	if (strcmp(w, "subscribed") == 0)
		return parse_subscribed(b, line);
	if (strcmp(w, "next") != 0)
		return "unknown word";
	if (number(word(&line), &b->next_id) == -1 ||
	    number(line, &b->last_uidvalidity) == -1)
		return "bad number";
	return NULL;
}

int
boxes_parse(struct boxes *b, const char *text, size_t len, struct buf *why)
{
	const char *fault = NULL, *end, *p = text;
	unsigned n = 0;
	char *line;

	memset(b, 0, sizeof(*b));
	while (fault == NULL && p < text + len) {
		n++;
		end = memchr(p, '\n', (size_t)(text + len - p));
		if (end == NULL || memchr(p, '\0', (size_t)(end - p))) {
			fault = "cut off";
			break;
		}
		line = mem_strndup(p, (size_t)(end - p));
		fault = parse_line(b, line, n);
		free(line);
		p = end + 1;
	}
	if (fault == NULL && (n == 0 || b->next_id == 0))
		fault = "no line \"next\"";
	if (fault == NULL && b->n > 0 && b->box[b->n - 1].id >= b->next_id)
		fault = "an id is not below next";
	if (fault == NULL)
		return 0;
	buf_set(why, "mailboxes:%u: %s", n, fault);
	return -1;
}

void
boxes_format(const struct boxes *b, struct buf *out)
{
	const char *sep;
	size_t i, k;

	buf_printf(out, "rohrpost-mailboxes 1\nnext %u %u\n", b->next_id,
	    b->last_uidvalidity);
	for (i = 0; i < b->n; i++) {
		buf_printf(out, "mailbox %u %u ", b->box[i].id,
		    b->box[i].uidvalidity);
		for (sep = "", k = 0; k < WORDS; k++)
			if (b->box[i].attrs & words[k].bit) {
				buf_printf(out, "%s%s", sep, words[k].word);
				sep = ",";
			}
		buf_printf(out, "%s %s\n", *sep == '\0' ? "-" : "",
		    b->box[i].name);
	}
	for (i = 0; i < b->n_subscribed; i++)
		buf_printf(out, "subscribed %s\n", b->subscribed[i]);
}
