/*
 * A queue whose timers that come once a minute come twenty times a second: for
 * tests of what it does then.
 */
#include <ev.h>

enum { MINUTE = 60 };

void	__real_ev_timer_start(struct ev_loop *l, ev_timer *t);
void	__wrap_ev_timer_start(struct ev_loop *l, ev_timer *t);

void
__wrap_ev_timer_start(struct ev_loop *l, ev_timer *t)
{
	if (t->repeat == MINUTE)
		ev_timer_set(t, 0.05, 0.05);
	__real_ev_timer_start(l, t);
}
