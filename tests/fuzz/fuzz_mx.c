/* The rdata of MX records: a length octet, then so many octets, and again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "relay/resolve_hosts.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct self self = { .hostname = "mx.test" };
	struct buf packed = BUF_INIT(60 * 1024);
	struct hosts h;
	unsigned i;
	size_t n;

	memset(&h, 0, sizeof(h));
	while (size > 0) {
		n = data[0] < size - 1 ? data[0] : size - 1;
		hosts_add_mx(&h, data + 1, n);
		if (h.n > 0)
			hosts_add_address(&h, h.n - 1, data + 1, n);
		data += n + 1;
		size -= n + 1;
	}
	hosts_order(&h);
	for (i = 1; i < h.n; i++)
		if (h.host[i].pref < h.host[i - 1].pref)
			abort();
	for (i = 0; i < h.n; i++)
		if (strlen(h.host[i].name) > DOMAIN_MAX ||
		    strpbrk(h.host[i].name, " \r\n") != NULL)
			abort();
	hosts_cut(&h);
	hosts_drop_self(&h, &self);
	(void)hosts_drop_bare(&h);
	hosts_pack(&h, &packed);
	buf_clear(&packed);
	hosts_clear(&h);
	return 0;
}
