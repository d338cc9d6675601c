#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#include "imapd/imapd_box.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_undo.h"

struct undo {
	struct undo *next;
	uint32_t id, uidvalidity;
	uint32_t *uids;
	size_t	 n;
	int64_t	 until;		/* clock_mono_ms() */
};

static struct undo *undos;	/* those that wait */
static unsigned n_undos;

/* 1: done, or there is nothing to do; 0: not now; -1: it never will be. */
static int
undo_try(const struct undo *u)
{
	struct door_mailbox m;
	uint32_t *gone = NULL;
	size_t n_gone;
	uint64_t modseq;
	int r;

	if (imapd_door.chan.fd == -1)
		return 0;
	r = door_status(&imapd_door, u->id, &m);
	/* The uids of another one are other messages. */
	if (r == 0 && m.uidvalidity != u->uidvalidity)
		return 1;
	if (r == 0) {
		r = door_expunge(&imapd_door, u->id, u->uids, u->n, 1, &gone,
		    &n_gone, &modseq);
		free(gone);
		imapd_box_unsettle(u->id);
		imapd_box_changed(&u->id, 1);
	}
	if (r == 0 || door_error(&imapd_door) == D_ABSENT)
		return 1;
	return door_error(&imapd_door) == D_LOST ||
	    door_error(&imapd_door) == D_LATER ? 0 : -1;
}

/* Is u done with, one way or the other? */
static int
undo_ends(const struct undo *u)
{
	int r = undo_try(u);

	if (r == 1)
		return 1;
	if (r == 0 && n_undos < IMAPD_UNDO_MAX && clock_mono_ms() < u->until)
		return 0;
	log_warn("mailbox %u: %zu messages of a command that failed stay",
	    u->id, u->n);
	return 1;
}

static void
undo_free(struct undo *u)
{
	free(u->uids);
	free(u);
}

void
imapd_undo(uint32_t id, uint32_t uidvalidity, const uint32_t *uids, size_t n)
{
	enum door_error error = imapd_door.error;
	char words[sizeof(imapd_door.words)];
	struct undo *u;

	if (n == 0)
		return;
	memcpy(words, imapd_door.words, sizeof(words));
	u = mem_zalloc(1, sizeof(*u));
	u->id = id;
	u->uidvalidity = uidvalidity;
	u->uids = mem_zalloc(n, sizeof(*uids));
	memcpy(u->uids, uids, n * sizeof(*uids));
	u->n = n;
	u->until = clock_mono_ms() + IMAPD_UNDO_MS;
	if (undo_ends(u))
		undo_free(u);
	else {
		u->next = undos;
		undos = u;
		n_undos++;
	}
	imapd_door.error = error;
	memcpy(imapd_door.words, words, sizeof(words));
}

void
imapd_undo_retry(void)
{
	struct undo **p = &undos, *u;

	if (imapd_door.chan.fd == -1)
		return;
	while ((u = *p) != NULL) {
		n_undos--;	/* it makes room for itself */
		if (undo_ends(u)) {
			*p = u->next;
			undo_free(u);
		} else {
			n_undos++;
			p = &u->next;
		}
	}
}
