/* Socket addresses and networks as text, one and in lists: what parses prints and parses
   again to the same. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/net/addr.h"
#include "lib/net/nets.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
again(const struct addr *a)
{
	const struct sockaddr *sa = (const void *)&a->ss;
	char text[ADDR_TEXT_MAX], back[ADDR_TEXT_MAX];
	struct buf why = BUF_INIT(300);
	struct addr b;

	addr_print(sa, text, sizeof(text));
	if (addr_parse(&b, text, strlen(text), 1, &why) == -1 ||
	    addr_port((const void *)&b.ss) != addr_port(sa))
		abort();
	addr_print((const void *)&b.ss, back, sizeof(back));
	if (strcmp(text, back) != 0)
		abort();
	addr_print_ip(sa, text, sizeof(text));
	(void)addr_is_local(sa);
	buf_clear(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf why = BUF_INIT(300);
	char *text = mem_strndup((const char *)data, size);
	struct addr a, *list;
	struct nets nets;
	size_t n, i;

	if (addr_parse(&a, (const char *)data, size, 25, &why) == 0)
		again(&a);
	buf_reset(&why);
	(void)addr_parse(&a, (const char *)data, size, 0, &why);
	buf_reset(&why);
	if (addr_parse_list(text, 25, &list, &n, &why) == 0) {
		if (n > ADDR_LIST_MAX)
			abort();
		for (i = 0; i < n; i++)
			again(&list[i]);
		free(list);
	}
	if (nets_parse(&nets, text, &why) == 0) {
		if (nets.n > NETS_MAX)
			abort();
		(void)nets_have(&nets, text);
		(void)nets_have(&nets, "2001:db8::1");
	}
	(void)addr_is_ip(text, strlen(text), 0);
	(void)addr_is_ip(text, strlen(text), 1);
	free(text);
	buf_clear(&why);
	return 0;
}
