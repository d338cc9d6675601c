#include "config.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/words.h"

enum { LOCALE_NAME = 64, CONTEXT_TEXT = 200 };

/* As locale(7) looks at the environment. */
const char *
words_asked(void)
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
		without_locale(words_asked());
}

/* A name with a slash would be a path. */
static int
is_locale(const char *p)
{
	static const char octets[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@-";

	return p[0] != '\0' && p[0] != '.' && strlen(p) < LOCALE_NAME &&
	    strspn(p, octets) == strlen(p) && strstr(p, "..") == NULL;
}

void
words_as(const char *catalogs, const char *language)
{
	unsetenv("LC_ALL");
	unsetenv("LC_MESSAGES");
	unsetenv("LC_CTYPE");
	unsetenv("LANGUAGE");
	setenv("LANG", is_locale(language) ? language : "C", 1);
	words_init(catalogs);
	words_utf8();
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
