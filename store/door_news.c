/*
 * Who follows, and what they are told: that there is something to ask of an
 * account. Each door is told once until it asks; what it does not read waits in
 * its channel, and past the channel's bound the door is dropped.
 */
#include "config.h"

#include <pthread.h>

#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/door_client.h"
#include "store/door_news.h"

enum { DOORS_MAX = 16 };	/* as many bits has account.log.told */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct client *doors[DOORS_MAX];
static unsigned n_doors;
static unsigned changes;	/* of the list: bits then mean others */

static void
news_leave(struct client *c)
{
	unsigned i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < n_doors; i++)
		if (doors[i] == c) {
			doors[i] = doors[--n_doors];
			changes++;
			break;
		}
	pthread_mutex_unlock(&lock);
}

int
news_join(struct client *c)
{
	int r = -1;

	pthread_mutex_lock(&lock);
	if (n_doors < DOORS_MAX) {
		doors[n_doors++] = c;
		changes++;
		c->leave = news_leave;
		r = 0;
	}
	pthread_mutex_unlock(&lock);
	return r;
}

static void
tell(struct client *c, const struct account *a)
{
	if (!client_begin(c, DM_EVENT, 0))
		return;
	msg_bytes(&c->chan, DF_UIDS, "", 0);
	msg_u32(&c->chan, DF_ON, 0);
	msg_text(&c->chan, DF_OWNER, a->name);
	client_end(c, a->shard);
}

static void
fresh_bits(struct account *a)
{
	if (a->log.changes != changes) {
		a->log.changes = changes;
		a->log.told = 0;
	}
}

void
news_tell(struct account *a)
{
	unsigned i;

	pthread_mutex_lock(&lock);
	fresh_bits(a);
	for (i = 0; i < n_doors; i++)
		if (!(a->log.told & 1u << i)) {
			a->log.told |= 1u << i;
			tell(doors[i], a);
		}
	pthread_mutex_unlock(&lock);
}

void
news_asked(struct account *a, const struct client *c)
{
	unsigned i;

	pthread_mutex_lock(&lock);
	fresh_bits(a);
	for (i = 0; i < n_doors; i++)
		if (doors[i] == c)
			a->log.told &= ~(1u << i);
	pthread_mutex_unlock(&lock);
}
