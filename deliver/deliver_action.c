#include "deliver/deliver_action.h"

size_t
actions_of(const struct filter_message *m, struct filtered *f,
    const struct action **list_r)
{
	static const struct action keep = { .filter = DOOR_FILTER };

	if (filter_before(m, f)) {
		*list_r = f->action;
		return f->n;
	}
	*list_r = &keep;
	return 1;
}
