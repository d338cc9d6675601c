#include <inttypes.h>
#include <string.h>

#include "lib/base/str.h"
#include "relay/pop3_box.h"

/* A number at *p and the blank behind it. 0, or -1. */
static int
number_at(const char **p, uint64_t max, uint64_t *r)
{
	size_t n = strcspn(*p, " ");

	if (str_number(*p, n, max, r) == -1)
		return -1;
	*p += n;
	*p += strspn(*p, " ");
	return 0;
}

enum pop3_result
pop3_stat(struct pop3_client *c, uint32_t *n_r, uint64_t *size_r)
{
	enum pop3_result r = pop3_command(c, "STAT");
	const char *p = buf_str(&c->text);
	uint64_t n;

	if (r != POP3_OK)
		return r;
	if (number_at(&p, UINT32_MAX, &n) == -1 ||
	    number_at(&p, INT64_MAX, size_r) == -1)
		return pop3_fail(c, "does not say how many messages there "
		    "are: %s", buf_str(&c->text));
	*n_r = (uint32_t)n;
	return POP3_OK;
}

/* A line of a list. 0 with what stands behind the number; -1: no sense. */
static int
list_line(const char *p, uint32_t *number_r, const char **rest_r)
{
	uint64_t n;

	p += strspn(p, " ");
	if (number_at(&p, UINT32_MAX, &n) == -1 || n == 0)
		return -1;
	*number_r = (uint32_t)n;
	*rest_r = p;
	return 0;
}

/* The lines of a list; each is told what stands behind a number. */
static enum pop3_result
list(struct pop3_client *c, const char *command, void (*each)(void *arg,
    uint32_t number, const char *rest), void *arg)
{
	enum pop3_result r = pop3_command(c, "%s", command);
	uint32_t number, n = 0;
	const char *rest;
	size_t len;
	char *p;

	while (r == POP3_OK) {
		if ((r = pop3_line_next(c, &p, &len)) == POP3_NO)
			return POP3_OK;
		if (r != POP3_OK)
			return r;
		if (n++ == POP3_MESSAGES_MAX)
			return pop3_fail(c, "lists more than %d messages",
			    POP3_MESSAGES_MAX);
		if (strlen(p) == len && list_line(p, &number, &rest) == 0)
			each(arg, number, rest);
	}
	return r;
}

struct names {
	void	(*each)(void *ctx, uint32_t number, const char *uid);
	void	*ctx;
};

/*
 * RFC 1939 7: "The unique-id of a message is an arbitrary server-determined
 * string, consisting of one to 70 characters in the range 0x21 to 0x7E".
 */
static int
is_uid(const char *p)
{
	size_t n;

	for (n = 0; p[n] >= 0x21 && p[n] <= 0x7e; n++)
		;
	return p[n] == '\0' && n > 0 && n <= UIDL_MAX;
}

static void
each_name(void *arg, uint32_t number, const char *rest)
{
	struct names *t = arg;

	t->each(t->ctx, number, is_uid(rest) ? rest : NULL);
}

enum pop3_result
pop3_uidl(struct pop3_client *c, void (*each)(void *ctx, uint32_t number,
    const char *uid), void *ctx)
{
	struct names t = { each, ctx };

	return list(c, "UIDL", each_name, &t);
}

struct sizes {
	void	(*each)(void *ctx, uint32_t number, uint64_t size);
	void	*ctx;
};

static void
each_size(void *arg, uint32_t number, const char *rest)
{
	struct sizes *t = arg;
	uint64_t size;

	if (number_at(&rest, INT64_MAX, &size) == 0)
		t->each(t->ctx, number, size);
}

enum pop3_result
pop3_list(struct pop3_client *c, void (*each)(void *ctx, uint32_t number,
    uint64_t size), void *ctx)
{
	struct sizes t = { each, ctx };

	return list(c, "LIST", each_size, &t);
}

enum pop3_result
pop3_each(struct pop3_client *c, const char *command,
    const uint32_t *numbers, size_t n, void (*answer)(void *ctx, size_t i,
    enum pop3_result r), void *ctx)
{
	unsigned window = pop3_window(c);
	enum pop3_result r;
	size_t i, sent = 0;

	for (i = 0; i < n; i++) {
		for (; sent < n && sent < i + window; sent++)
			pop3_send(c, "%s %" PRIu32, command, numbers[sent]);
		if ((r = pop3_wait(c)) == POP3_LOST)
			return r;
		answer(ctx, i, r);
	}
	return POP3_OK;
}

int
pop3_said(const struct pop3_client *c, uint32_t number, const char **word_r)
{
	uint32_t n;

	return list_line(buf_str(&c->text), &n, word_r) == 0 && n == number ?
	    0 : -1;
}

void
pop3_retr_send(struct pop3_client *c, uint32_t number)
{
	pop3_send(c, "RETR %" PRIu32, number);
}

enum pop3_result
pop3_retr_wait(struct pop3_client *c, int (*body)(void *ctx, const char *p,
    size_t len), void *ctx)
{
	enum pop3_result r = pop3_wait(c);

	return r == POP3_OK ? pop3_body(c, body, ctx) : r;
}

enum pop3_result
pop3_top(struct pop3_client *c, uint32_t number, unsigned lines,
    int (*body)(void *ctx, const char *p, size_t len), void *ctx)
{
	pop3_send(c, "TOP %" PRIu32 " %u", number, lines);
	return pop3_retr_wait(c, body, ctx);
}

enum pop3_result
pop3_quit(struct pop3_client *c)
{
	return pop3_command(c, "QUIT");
}
