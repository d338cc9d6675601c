#include "config.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/words.h"

enum { LOCALE_NAME = 64, CONTEXT_TEXT = 200 };

/* The name that locale(7) looks at for messages, or "". */
static const char *
asked_for(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	const char *value;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		value = getenv(names[i]);
		if (value != NULL && value[0] != '\0')
			return value;
	}
	return "";
}

/*
 * Debian makes few locales; C.UTF-8 is always there, and gettext looks at
 * LANGUAGE in it (a newer C library only in another one). "de_DE.UTF-8" is the
 * language de_DE, else de, and that charset.
 */
static void
without_locale(const char *name)
{
	static const char *const there[] = { "en_US.UTF-8", "C.UTF-8" };
	size_t n = strcspn(name, ".@"), i;
	char language[LOCALE_NAME], charset[LOCALE_NAME] = "UTF-8";

	if (n >= sizeof(language))
		return;
	snprintf(language, sizeof(language), "%.*s", (int)n, name);
	if (name[n] == '.')
		snprintf(charset, sizeof(charset), "%.*s",
		    (int)strcspn(name + n + 1, "@"), name + n + 1);
	for (i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
		if (setlocale(LC_MESSAGES, there[i]) == NULL)
			continue;
		if (setlocale(LC_CTYPE, "") == NULL)
			setlocale(LC_CTYPE, there[i]);
		setenv("LANGUAGE", language, 0);
		bind_textdomain_codeset(PACKAGE, charset);
		return;
	}
}

void
words_init(const char *catalogs)
{
	bindtextdomain(PACKAGE, catalogs);
	textdomain(PACKAGE);
	setlocale(LC_CTYPE, "");
	if (setlocale(LC_MESSAGES, "") == NULL)
		without_locale(asked_for());
}

void
words_utf8(void)
{
	bind_textdomain_codeset(PACKAGE, "UTF-8");
}

/* Context and text are one key in the catalog, with an EOT between them. */
const char *
words_of(const char *context, const char *text)
{
	char key[CONTEXT_TEXT];
	const char *found;

	if (snprintf(key, sizeof(key), "%s\004%s", context, text) >=
	    (int)sizeof(key))
		return text;
	found = gettext(key);
	return found == key ? text : found;
}
