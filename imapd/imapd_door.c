#include "imapd/imapd_door.h"

struct door imapd_door;

static const struct {
	const char *code, *words;
} errors[] = {
	[D_OK] = { "SERVERBUG", "Failed" },
	[D_LOST] = { "UNAVAILABLE", "The store is away, try again" },
	[D_LATER] = { "UNAVAILABLE", "The store is in trouble, try again" },
	[D_ABSENT] = { "NONEXISTENT", "There is no such mailbox" },
	[D_EXISTS] = { "ALREADYEXISTS", "That mailbox exists" },
	[D_REFUSED] = { "CANNOT", "Refused" },
	[D_QUOTA] = { "OVERQUOTA", "Over quota" },
	[D_IN_USE] = { "INUSE", "In use" },
	[D_READONLY] = { "NOPERM", "Read-only" },
	[D_GONE] = { "EXPUNGEISSUED", "Some messages are gone" },
};

const char *
imapd_door_code(void)
{
	return errors[door_error(&imapd_door)].code;
}

const char *
imapd_door_words(void)
{
	const char *words = door_words(&imapd_door);

	if (*words != '\0' && door_error(&imapd_door) != D_LOST)
		return words;
	return errors[door_error(&imapd_door)].words;
}
