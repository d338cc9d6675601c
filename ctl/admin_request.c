#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/admin_request.h"
#include "lib/base/mem.h"
#include "lib/mail/proto.h"

void
admin_request_clear(struct admin_request *r)
{
	int i;

	for (i = 0; i < r->argc; i++)
		free(r->argv[i]);
	free(r->argv);
	free(r->language);
	if (r->input != NULL)
		mem_wipe(r->input, strlen(r->input));
	free(r->input);
	memset(r, 0, sizeof(*r));
}

static int
is_word(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
			return 0;
	return 1;
}

int
admin_request(const struct msg *m, struct admin_request *r)
{
	struct cursor cur;
	const char *p;
	size_t n;

	memset(r, 0, sizeof(*r));
	r->language = msg_get_dup(m, ADF_LANGUAGE);
	r->input = msg_get_dup(m, ADF_INPUT);
	r->argv = mem_zalloc(ADMIN_WORDS_MAX + 1, sizeof(*r->argv));
	p = msg_get(m, ADF_ARGS, &n);
	cursor_init(&cur, p, n);
	while (cursor_left(&cur) > 0) {
		p = cursor_lv(&cur, &n, ADMIN_ARGS_OCTETS);
		if (p == NULL || !is_word(p, n) || r->argc == ADMIN_WORDS_MAX)
			return -1;
		r->argv[r->argc++] = mem_strndup(p, n);
	}
	return r->argc > 0 ? 0 : -1;
}
