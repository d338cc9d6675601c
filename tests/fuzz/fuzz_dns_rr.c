/* The rdata of DNS records, and what their texts say. */
#include <stdlib.h>
#include <string.h>

#include "ctl/dns_dmarc.h"
#include "ctl/dns_rr.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text = BUF_INIT(64 * 1024), where = BUF_INIT(200);
	char name[DOMAIN_MAX + 1];
	struct dns_srv srv;
	unsigned pref;

	if (dns_rr_name(data, size, name) == 0 &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.?") !=
	    strlen(name))
		abort();
	if (dns_rr_mx(data, size, &pref, name) == 0 && pref > 65535)
		abort();
	if (dns_rr_srv(data, size, &srv) == 0 && srv.port > 65535)
		abort();
	if (dns_rr_txt(data, size, &text) == 0)
		(void)dmarc_judge(buf_str(&text), text.len, &where);
	if (dmarc_judge((const char *)data, size, &where) == DMARC_NONE &&
	    size > 10 && memcmp(data, "v=DMARC1; ", 10) == 0)
		abort();
	buf_clear(&text);
	buf_clear(&where);
	return 0;
}
