#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"

#include "imapd/imapd_door.h"
#include "imapd/imapd_ids.h"
#include "imapd/imapd_search_ids.h"

static int
id_cmp(const void *a, const void *b)
{
	return memcmp(a, b, DOOR_ID);
}

/* The number of an id, from 1; 0: it is not among them. */
static uint16_t
id_number(const struct imapd_search_ids *ids, const void *id)
{
	const unsigned char (*p)[DOOR_ID];

	if (ids->n_ids == 0)
		return 0;
	p = bsearch(id, ids->id, ids->n_ids, DOOR_ID, id_cmp);
	return p == NULL ? 0 : (uint16_t)(p - (const unsigned char
	    (*)[DOOR_ID])ids->id + 1);
}

static void
ids_collect(struct imapd_search_ids *ids, const struct imapd_key *k)
{
	unsigned char id[DOOR_ID];

	if (k->op == IMAPD_K_EMAILID &&
	    imapd_ids_read(k->name, IMAPD_ID_EMAIL, id) == 0) {
		ids->id = mem_realloc(ids->id, ids->n_ids + 1, DOOR_ID);
		memcpy(ids->id[ids->n_ids++], id, DOOR_ID);
	}
	for (k = k->first; k != NULL; k = k->next)
		ids_collect(ids, k);
}

static void
ids_sort(struct imapd_search_ids *ids)
{
	size_t i, n = 0;

	qsort(ids->id, ids->n_ids, DOOR_ID, id_cmp);
	for (i = 0; i < ids->n_ids; i++)
		if (n == 0 || id_cmp(ids->id[n - 1], ids->id[i]) != 0)
			memmove(ids->id[n++], ids->id[i], DOOR_ID);
	ids->n_ids = n;
}

static void
ids_lend(const struct imapd_search_ids *ids, struct imapd_key *k)
{
	unsigned char id[DOOR_ID];

	if (k->op == IMAPD_K_EMAILID &&
	    imapd_ids_read(k->name, IMAPD_ID_EMAIL, id) == 0) {
		k->number = id_number(ids, id);
		k->which = ids->which;
	}
	for (k = k->first; k != NULL; k = k->next)
		ids_lend(ids, k);
}

void
imapd_search_ids_init(struct imapd_search_ids *ids, struct imapd_key *key,
    size_t n)
{
	memset(ids, 0, sizeof(*ids));
	ids_collect(ids, key);
	if (ids->n_ids == 0)
		return;
	ids_sort(ids);
	ids->n = n;
	ids->which = mem_zalloc(n + 1, sizeof(*ids->which));
	ids_lend(ids, key);
}

void
imapd_search_ids_clear(struct imapd_search_ids *ids)
{
	free(ids->id);
	free(ids->which);
	memset(ids, 0, sizeof(*ids));
}

int
imapd_search_ids_more(struct imapd_search_ids *ids, const struct imapd_view *v)
{
	struct buf packed = BUF_INIT(0);
	size_t n = ids->n - ids->at, i;
	const char *id;

	if (n == 0)
		return 1;
	if (n > DOOR_CHANGE_MAX)
		n = DOOR_CHANGE_MAX;
	if (door_ids(&imapd_door, v->box->id, v->uids + ids->at, n,
	    &packed) == -1)
		return -1;
	for (i = ids->at; i < ids->at + n; i++) {
		id = imapd_ids_find(&packed, v->uids[i]);
		if (id != NULL)
			ids->which[i] = id_number(ids, id);
	}
	buf_clear(&packed);
	ids->at += n;
	return ids->at == ids->n;
}
