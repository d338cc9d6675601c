#include <poll.h>
#include <stddef.h>

#include "lib/base/clock.h"
#include "lib/mail/proto.h"
#include "relay/relay_hurry.h"

enum { LOOK_EVERY = 1000 };	/* ms */

static struct chan *channel;
static uint32_t job;
static int hurried;
static int (*ending)(int hear);
static int cut;			/* a wait of this job, by a stop */

void
hurry_stop_by(int (*f)(int hear))
{
	ending = f;
}

int
hurry_cut(void)
{
	return cut;
}

void
hurry_settle(void)
{
	cut = 0;
}

void
hurry_forget(void)
{
	channel = NULL;
	hurried = 0;
}

void
hurry_begin(struct chan *queue, uint32_t id)
{
	channel = queue;
	job = id;
	hurried = cut = 0;
}

int
hurry_now(void)
{
	struct pollfd p = { .events = POLLIN };
	struct frame f;

	if (hurried || channel == NULL || channel->fd == -1)
		return hurried;
	p.fd = channel->fd;
	if (!chan_ready(channel) && (poll(&p, 1, 0) != 1 ||
	    chan_read(channel) != 1))
		return 0;
	/* What else stands there waits for the end of this job. */
	if (chan_next_type(channel) != J_HURRY || chan_next(channel, &f) != 1)
		return 0;
	frame_close_fds(&f);
	hurried = f.id == job;
	return hurried;
}

int64_t
hurry_piece(int64_t start, int64_t end)
{
	int64_t now = clock_mono_ms();

	if (now - start >= LOOK_EVERY && ending != NULL && ending(0)) {
		cut = 1;
		return 0;
	}
	if (now - start >= LOOK_EVERY && hurry_now() &&
	    end > start + HURRY_MS)
		end = start + HURRY_MS;
	if (now >= end)
		return 0;
	return end - now < LOOK_EVERY ? end - now : LOOK_EVERY;
}
