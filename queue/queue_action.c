#include "queue/queue_action.h"

const struct action_row actions[ACTIONS] = {
	[ACTION_FAILED] = { "failed", '5',
	    "Your message could not be delivered to the recipients below, and "
	    "no\r\nfurther attempt will be made.\r\n" },
	[ACTION_DELAYED] = { "delayed", '4',
	    "Your message could not be delivered yet to the recipients below. "
	    "It will be\r\ntried again; there is no need to send it once "
	    "more.\r\n" },
	[ACTION_RELAYED] = { "relayed", '2',
	    "Your message was handed on, for the recipients below, to a host "
	    "that does\r\nnot report deliveries.\r\n" },
	[ACTION_EXPANDED] = { "expanded", '2',
	    "Your message was sent on to those for whom the addresses below "
	    "stand.\r\n" },
	[ACTION_DELIVERED] = { "delivered", '2',
	    "Your message was delivered to the recipients below.\r\n" },
};

enum action
action_of(const struct target *t)
{
	if (!target_owed(t))
		return ACTION_NONE;
	if (t->state == TARGET_REFUSED)
		return ACTION_FAILED;
	if (t->tell == TELL_DELAY)
		return ACTION_DELAYED;
	if (target_is_alias(t))
		return t->forwarded ? ACTION_DELIVERED : ACTION_EXPANDED;
	return t->kind == TARGET_REMOTE ? ACTION_RELAYED : ACTION_DELIVERED;
}
