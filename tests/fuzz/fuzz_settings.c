/* rohrpost.conf: every type of value. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/server/settings.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct conf {
	char	*text;
	uint64_t number, size, time;
	int	 bool_, choice;
	char	*host;
};

#define AT(m) offsetof(struct conf, m)

static const struct settings_key keys[] = {
	{ "text", SETTINGS_TEXT, AT(text), "default", 1, 10, NULL, "" },
	{ "host", SETTINGS_HOST, AT(host), "", 0, 255, NULL, "" },
	{ "number", SETTINGS_NUMBER, AT(number), "5", 1, 100, NULL, "" },
	{ "size", SETTINGS_SIZE, AT(size), "2K", 1, 1 << 30, NULL, "" },
	{ "time", SETTINGS_TIME, AT(time), "5m", 0, 86400, NULL, "" },
	{ "bool", SETTINGS_BOOL, AT(bool_), "no", 0, 0, NULL, "" },
	{ "choice", SETTINGS_CHOICE, AT(choice), "may", 0, 0,
	  "never may must", "" },
	SETTINGS_END
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf c = { .text = NULL };
	struct buf why = BUF_INIT(400);
	int r;

	r = settings_parse((const char *)data, size, "F", keys, &c, &why);
	if (r == 0) {
		if (strlen(c.text) < 1 || strlen(c.text) > 10 ||
		    c.number < 1 || c.number > 100 || c.size > 1 << 30 ||
		    c.time > 86400 || strchr(c.host, ' ') != NULL || c.choice < 0 || c.choice > 2)
			abort();
	} else if (why.len == 0 || c.text != NULL)
		abort();
	free(c.text);
	free(c.host);
	buf_clear(&why);
	return 0;
}
