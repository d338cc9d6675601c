/*
 * How what the server or store answers ends a step; and the id of a message.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "relay/migrate.h"

void
migrate_id(const struct migrate *g, const struct box *b, uint32_t uid,
    unsigned char id_r[DOOR_ID])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	struct buf t = BUF_INIT(0);
	unsigned n = 0;

	buf_append(&t, g->origin, sizeof(g->origin));
	buf_put_lv(&t, b->src->wire, strlen(b->src->wire));
	buf_put_u32(&t, b->there.uidvalidity);
	buf_put_u32(&t, uid);
	if (EVP_Digest(t.data, t.len, sum, &n, EVP_sha256(), NULL) != 1)
		abort();
	memcpy(id_r, sum, DOOR_ID);
	buf_clear(&t);
}

enum step
migrate_there(struct migrate *g, enum imap_result r)
{
	if (r == IMAP_OK)
		return STEP_DONE;
	buf_set(&g->words, "%s", buf_str(&g->imap.words));
	return r == IMAP_NO ? STEP_PASS : STEP_END;
}

enum step
migrate_here(struct migrate *g)
{
	buf_set(&g->words, "%s", door_words(&g->door));
	switch (door_error(&g->door)) {
	case D_ABSENT: case D_EXISTS: case D_REFUSED: case D_QUOTA:
	case D_READONLY: case D_GONE:
		return STEP_PASS;
	default:
		return STEP_END;
	}
}

enum step
migrate_keep(struct migrate *g)
{
	if (state_sync(&g->state) == 0)
		return STEP_DONE;
	buf_set(&g->words, "what was brought cannot be written down");
	return STEP_END;
}
