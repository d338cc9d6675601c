/*
 * The answers of setup, a program's table of keys, rohrpost.conf as lines, and
 * what sendmail is not part of: JSON strings.
 */
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_answers.h"
#include "ctl/ctl_conf.h"
#include "ctl/ctl_hash.h"
#include "ctl/ctl_keys.h"
#include "ctl/ctl_out.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	struct buf b = BUF_INIT(0);
	struct answers as;
	struct conf_file f;
	struct keys k = { .n = 0 };
	size_t i;

	answers_init(&as, "answers");
	(void)!answers_parse(&as, p, size, &b);
	conf_read(&f, p, size);
	for (i = 0; i < as.n; i++) {
		conf_set(&f, as.a[i].key, as.a[i].value);
		if (strcmp(conf_get(&f, as.a[i].key), as.a[i].value) != 0)
			abort();
		(void)!hash_check(as.a[i].value, &b);
	}
	buf_reset(&b);
	conf_print(&f, &b);
	(void)!keys_parse(&k, "x", p, size);
	buf_reset(&b);
	out_json_string(&b, p, size);
	keys_clear(&k);
	conf_clear(&f);
	answers_clear(&as);
	buf_clear(&b);
	return 0;
}
