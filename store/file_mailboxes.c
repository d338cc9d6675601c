#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/door_proto.h"
#include "lib/mail/mailbox_name.h"
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

enum { WORDS = sizeof(words) / sizeof(words[0]), BOXES_VERSION = 2 };

#define HEAD "rohrpost-mailboxes "

int
boxes_has(const struct boxes *b, uint32_t id)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (b->box[i].id == id)
			return 1;
	return 0;
}

void
boxes_clear(struct boxes *b)
{
	size_t i;

	for (i = 0; i < b->n; i++) {
		free(b->box[i].name);
		free(b->box[i].more);
	}
	for (i = 0; i < b->n_subscribed; i++)
		free(b->subscribed[i]);
	for (i = 0; i < b->n_more; i++)
		free(b->more[i]);
	free(b->more);
	free(b->box);
	free(b->subscribed);
	memset(b, 0, sizeof(*b));
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

static const char digits[] = "0123456789abcdef";

/* 0, or -1: it is no id. */
static int
id_of(const char *s, unsigned char *id)
{
	size_t i;

	if (strlen(s) != 2 * BOX_ID || strspn(s, digits) != 2 * BOX_ID)
		return -1;
	for (i = 0; i < BOX_ID; i++)
		id[i] = (unsigned char)((strchr(digits, s[2 * i]) - digits) *
		    16 + (strchr(digits, s[2 * i + 1]) - digits));
	return 0;
}

int
boxes_no_id(const unsigned char *id)
{
	static const unsigned char none[BOX_ID];

	return memcmp(id, none, BOX_ID) == 0;
}

/* One that is not known is kept. */
static void
attr_more(struct box *x, const char *word)
{
	struct buf more = BUF_INIT(0);

	if (x->more != NULL)
		buf_printf(&more, "%s,", x->more);
	buf_puts(&more, word);
	free(x->more);
	x->more = mem_strdup(buf_str(&more));
	buf_clear(&more);
}

static int
attrs_of(char *s, struct box *x)
{
	char *p, *save = NULL;
	size_t i;

	if (strcmp(s, "-") == 0)
		return 0;
	for (p = strtok_r(s, ",", &save); p != NULL;
	    p = strtok_r(NULL, ",", &save)) {
		for (i = 0; i < WORDS && strcmp(words[i].word, p) != 0; i++)
			;
		if (i < WORDS)
			x->attrs |= words[i].bit;
		else if (strncmp(p, "id=", 3) != 0)
			attr_more(x, p);
		else if (id_of(p + 3, x->oid) == -1)
			return -1;
	}
	return 0;
}

static const char *
parse_mailbox(struct boxes *b, char *line)
{
	struct box x = { 0 };

	if (number(word(&line), &x.id) == -1 || x.id == 0 ||
	    (b->n > 0 && x.id <= b->box[b->n - 1].id))
		return "bad id";
	if (number(word(&line), &x.uidvalidity) == -1 || x.uidvalidity == 0)
		return "bad uidvalidity";
	if (attrs_of((char *)(uintptr_t)word(&line), &x) == -1 ||
	    !mailbox_name_ok(line) || b->n == DOOR_MAILBOXES_MAX) {
		free(x.more);
		return "bad attribute or name, or too many";
	}
	x.name = mem_strdup(line);
	b->box = mem_realloc(b->box, b->n + 1, sizeof(*b->box));
	b->box[b->n++] = x;
	return NULL;
}

static const char *
parse_subscribed(struct boxes *b, const char *line)
{
	if (!mailbox_name_ok(line) || b->n_subscribed == DOOR_SUBSCRIBED_MAX)
		return "bad name, or too many";
	b->subscribed = mem_realloc(b->subscribed, b->n_subscribed + 1,
	    sizeof(*b->subscribed));
	b->subscribed[b->n_subscribed++] = mem_strdup(line);
	return NULL;
}

static const char *
parse_head(const char *line)
{
	uint64_t version;

	if (strncmp(line, HEAD, strlen(HEAD)) != 0 ||
	    str_number(line + strlen(HEAD), strlen(line + strlen(HEAD)),
	    UINT32_MAX, &version) == -1 || version == 0)
		return "not a mailboxes file";
	return version <= BOXES_VERSION ? NULL : "of a later version";
}

static const char *
parse_line(struct boxes *b, char *line, unsigned n)
{
	const char *whole = line;
	size_t len;

	if (n == 1)
		return parse_head(line);
	len = strcspn(line, " ");
	if (str_is(line, len, "mailbox") || str_is(line, len, "subscribed") ||
	    str_is(line, len, "next") || str_is(line, len, "account"))
		(void)word(&line);
	if (str_is(whole, len, "mailbox"))
		return parse_mailbox(b, line);
	if (str_is(whole, len, "subscribed"))
		return parse_subscribed(b, line);
	if (str_is(whole, len, "account"))
		return id_of(line, b->oid) == 0 ? NULL : "bad id";
	if (str_is(whole, len, "next"))
		return number(word(&line), &b->next_id) == -1 ||
		    number(line, &b->last_uidvalidity) == -1 ?
		    "bad number" : NULL;
	b->more = mem_realloc(b->more, b->n_more + 1, sizeof(*b->more));
	b->more[b->n_more++] = mem_strdup(line);
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

static void
put_id(struct buf *out, const unsigned char *id)
{
	size_t i;

	for (i = 0; i < BOX_ID; i++)
		buf_printf(out, "%02x", id[i]);
}

static void
format_box(const struct box *x, struct buf *out)
{
	const char *sep = "";
	size_t k;

	buf_printf(out, "mailbox %u %u ", x->id, x->uidvalidity);
	for (k = 0; k < WORDS; k++)
		if (x->attrs & words[k].bit) {
			buf_printf(out, "%s%s", sep, words[k].word);
			sep = ",";
		}
	if (!boxes_no_id(x->oid)) {
		buf_printf(out, "%sid=", sep);
		put_id(out, x->oid);
		sep = ",";
	}
	if (x->more != NULL) {
		buf_printf(out, "%s%s", sep, x->more);
		sep = ",";
	}
	buf_printf(out, "%s %s\n", *sep == '\0' ? "-" : "", x->name);
}

void
boxes_format(const struct boxes *b, struct buf *out)
{
	size_t i;

	buf_printf(out, HEAD "%d\n", BOXES_VERSION);
	if (!boxes_no_id(b->oid)) {
		buf_puts(out, "account ");
		put_id(out, b->oid);
		buf_putc(out, '\n');
	}
	buf_printf(out, "next %u %u\n", b->next_id, b->last_uidvalidity);
	for (i = 0; i < b->n; i++)
		format_box(&b->box[i], out);
	for (i = 0; i < b->n_subscribed; i++)
		buf_printf(out, "subscribed %s\n", b->subscribed[i]);
	for (i = 0; i < b->n_more; i++)
		buf_printf(out, "%s\n", b->more[i]);
}
