/*
 * Words to the operator in his language: the macros of gettext(3). A text is
 * marked where it stands, _("...") where it is made or said and N_("...") in a
 * table that is said with _() later. It is a whole sentence: what is glued of
 * pieces cannot be translated; plurals go by ngettext(3).
 *
 * Only a program that has called words_init speaks anything but English: the
 * logs of the daemons stay as they are, though they run the same code.
 */
#ifndef LIB_BASE_WORDS_H
#define LIB_BASE_WORDS_H

#include <libintl.h>

#define _(text)		gettext(text)
#define N_(text)	text

/* A word that has several meanings: words_of(context, text) says it. */
#define NC_(context, text) text

/*
 * The text in that context (a name in English, for the translator); the text
 * itself where there is no other.
 */
const char *words_of(const char *context, const char *text);
/*
 * Takes the language of the environment (locale(7): LC_ALL, LC_MESSAGES, LANG,
 * LANGUAGE) for what is said from here on; numbers, dates and sorting stay.
 * catalogs: the directory of DE/LC_MESSAGES/rohrpost.mo, absolute. Where the
 * machine does not have the locale that is named its language is taken
 * nevertheless; where there are no words in it they are English. It may set
 * LANGUAGE, for programs that are started later too.
 */
void	words_init(const char *catalogs);
/* The locale that the environment names for words, or "". */
const char *words_asked(void);
/*
 * As words_init, in that language and no other, in UTF-8: LC_ALL, LC_MESSAGES
 * and LANGUAGE go, LANG is set. The name is one that others sent: without it, or
 * where it is no name of a locale, the words are English.
 */
void	words_as(const char *catalogs, const char *language);
/* From here on they are in UTF-8, whatever the charset of the locale is: JSON. */
void	words_utf8(void);

#endif
