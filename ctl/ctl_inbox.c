#include "config.h"

#include <string.h>

#include "ctl/ctl_control.h"
#include "ctl/ctl_door.h"
#include "ctl/ctl_inbox.h"

enum { KICK_MS = 20 * 1000 };

uint32_t
inbox_id(struct door *d)
{
	struct door_mailbox *list;
	uint32_t r = 0;
	size_t n, i;

	if (door_list(d, &list, &n) == -1)
		return 0;
	for (i = 0; i < n; i++)
		if (strcmp(list[i].name, "INBOX") == 0)
			r = list[i].id;
	door_list_free(&list, n);
	return r;
}

uint32_t
inbox_id_of(struct ctl *c, const char *account)
{
	struct door d;
	uint32_t r;
	int fd;

	if (door_of(c, account, &fd) != CTL_DONE)
		return 0;
	door_init(&d, PEER_CTL, fd);
	r = inbox_id(&d);
	door_clear(&d);
	return r;
}

void
inbox_end_sessions(struct ctl *c, const char *account, uint32_t before)
{
	struct ctl_control kick = { .who = PEER_MASTER, .type = C_KICK,
		.user = account, .timeout_ms = KICK_MS, .quiet = 1 };
	uint32_t now = before == 0 ? 0 : inbox_id_of(c, account);

	if (now != 0 && now != before)
		(void)control_call(c, &kick);
}
