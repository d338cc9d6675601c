#include <stdlib.h>

#include "lib/base/log.h"
#include "relay/migrate.h"

enum { TELL_MS = 60 * 1000 };

static void
send_it(struct migrate *g)
{
	if (msg_end(g->ctl) == -1 || chan_send(g->ctl, TELL_MS) == -1)
		exit(LOG_EXIT_TEMP);	/* the command has ended */
}

void
tell_mailbox(struct migrate *g, const struct box *b, const char *words)
{
	msg_begin(g->ctl, &proto_migrate, MG_MAILBOX, 0);
	msg_words(g->ctl, MGF_NAME, b->name, MG_NAME_MAX);
	msg_u64(g->ctl, MGF_DONE, b->brought);
	msg_u64(g->ctl, MGF_SIZE, b->octets);
	msg_u64(g->ctl, MGF_CHANGED, b->changed);
	msg_u64(g->ctl, MGF_GONE, b->gone);
	msg_u64(g->ctl, MGF_LEFT, b->left);
	if (words != NULL)
		msg_words(g->ctl, MGF_WORDS, words, MG_WORDS_MAX);
	send_it(g);
}

void
tell_skipped(struct box *b, uint32_t uid, const char *words)
{
	struct chan *c = b->g->ctl;

	b->left++;
	b->g->part = 1;
	msg_begin(c, &proto_migrate, MG_SKIPPED, 0);
	msg_words(c, MGF_NAME, b->name, MG_NAME_MAX);
	msg_u32(c, MGF_UID, uid);
	msg_words(c, MGF_WORDS, words, MG_WORDS_MAX);
	send_it(b->g);
}

void
tell_progress(struct migrate *g, const char *name, uint64_t done,
    uint64_t total)
{
	msg_begin(g->ctl, &proto_migrate, MG_PROGRESS, 0);
	msg_words(g->ctl, MGF_NAME, name, MG_NAME_MAX);
	msg_u64(g->ctl, MGF_DONE, done);
	msg_u64(g->ctl, MGF_TOTAL, total);
	send_it(g);
}

void
tell_end(struct migrate *g, enum mg_status status, const char *words)
{
	msg_begin(g->ctl, &proto_migrate, MG_END, 0);
	msg_u32(g->ctl, MGF_STATUS, status);
	msg_words(g->ctl, MGF_WORDS, words, MG_WORDS_MAX);
	send_it(g);
}
