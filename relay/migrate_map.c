/*
 * A mailbox with a special use goes into the one that has that use here; where
 * the server tells none, into the one that its name stands for. All others keep
 * their names. Two that come out with one name become one mailbox.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "relay/migrate.h"

/* As clients and servers name them, where nobody said what they are for. */
static const struct {
	const char *name;
	unsigned use;
} known[] = {
	{ "Drafts", ATTR_DRAFTS }, { "Entw\xc3\xbcrfe", ATTR_DRAFTS },
	{ "Sent", ATTR_SENT }, { "Sent Items", ATTR_SENT },
	{ "Sent Messages", ATTR_SENT }, { "Sent Mail", ATTR_SENT },
	{ "Gesendet", ATTR_SENT }, { "Gesendete Objekte", ATTR_SENT },
	{ "Gesendete Elemente", ATTR_SENT },
	{ "Trash", ATTR_TRASH }, { "Deleted Items", ATTR_TRASH },
	{ "Deleted Messages", ATTR_TRASH }, { "Papierkorb", ATTR_TRASH },
	{ "Gel\xc3\xb6schte Objekte", ATTR_TRASH },
	{ "Gel\xc3\xb6schte Elemente", ATTR_TRASH },
	{ "Junk", ATTR_JUNK }, { "Spam", ATTR_JUNK },
	{ "Junk E-mail", ATTR_JUNK }, { "Junk-E-Mail", ATTR_JUNK },
	{ "Archive", ATTR_ARCHIVE }, { "Archives", ATTR_ARCHIVE },
	{ "Archiv", ATTR_ARCHIVE },
};

static const char *
of_use(const struct door_mailbox *here, size_t n, unsigned use)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (here[i].attrs & use)
			return here[i].name;
	return NULL;
}

static unsigned
known_use(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_casecmp(known[i].name, name) == 0)
			return known[i].use;
	return 0;
}

/* What it is for: what the server says, else its name, unless the server says
   it of another. */
static unsigned
use_of(const struct imap_list *l, const struct imap_mailbox *m, unsigned told)
{
	unsigned use = m->uses;

	if (use == 0)
		use = known_use(m->name) & ~told;
	/* Of several the lowest: one mailbox here has one. */
	return use & (~use + 1);
}

char **
migrate_map(const struct imap_list *l, const struct door_mailbox *here,
    size_t n_here)
{
	char **names = mem_zalloc(l->n + 1, sizeof(*names));
	const char *to;
	unsigned told = 0;
	size_t i;

	for (i = 0; i < l->n; i++)
		told |= l->v[i].uses;
	for (i = 0; i < l->n; i++) {
		if (l->v[i].noselect)
			continue;
		to = of_use(here, n_here, use_of(l, &l->v[i], told));
		names[i] = mem_strdup(to != NULL ? to : l->v[i].name);
	}
	return names;
}
