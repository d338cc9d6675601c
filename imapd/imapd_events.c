#include "imapd/imapd_box.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_events.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_undo.h"

void
imapd_events(void)
{
	const uint32_t *ids;
	size_t n;
	int names;

	imapd_box_retry();
	imapd_undo_retry();
	if (door_events(&imapd_door, &ids, &n, &names) != 1)
		return;
	if (names)
		imapd_names_drop();
	imapd_box_changed(ids, n);
}
