#include "deliver/deliver_action.h"

size_t
actions_of(const char *owner, const struct action **list_r)
{
	static const struct action keep;

	*list_r = &keep;
	return 1;
}
