#include "config.h"

#include <openssl/evp.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/box_ids.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"

static const unsigned char none[DOOR_ID];

/* Store's own ids differ in the second half, those of box_id everywhere. */
static size_t
slot_of(const struct box_ids *s, const unsigned char *id)
{
	uint64_t h;
	size_t i;

	memcpy(&h, id + 8, sizeof(h));
	h *= 0x9e3779b97f4a7c15u;
	for (i = (size_t)(h >> 20) & (s->cap - 1); memcmp(s->id[i], none,
	    DOOR_ID) != 0 && memcmp(s->id[i], id, DOOR_ID) != 0;
	    i = (i + 1) & (s->cap - 1))
		;
	return i;
}

static void
grow(struct box_ids *s)
{
	struct box_ids more = { .cap = s->cap == 0 ? 1024 : s->cap * 2 };
	size_t i;

	more.id = mem_zalloc(more.cap, sizeof(*more.id));
	for (i = 0; i < s->cap; i++)
		if (memcmp(s->id[i], none, DOOR_ID) != 0)
			memcpy(more.id[slot_of(&more, s->id[i])], s->id[i],
			    DOOR_ID);
	more.n = s->n;
	free(s->id);
	*s = more;
}

int
box_ids_add(struct box_ids *s, const unsigned char *id)
{
	size_t i;

	if (s->n * 2 >= s->cap)
		grow(s);
	i = slot_of(s, id);
	if (memcmp(s->id[i], none, DOOR_ID) != 0)
		return 0;
	memcpy(s->id[i], id, DOOR_ID);
	s->n++;
	return 1;
}

int
box_ids_has(const struct box_ids *s, const unsigned char *id)
{
	return s->cap > 0 &&
	    memcmp(s->id[slot_of(s, id)], none, DOOR_ID) != 0;
}

void
box_ids_clear(struct box_ids *s)
{
	free(s->id);
	memset(s, 0, sizeof(*s));
}

void
box_id(unsigned char id_r[DOOR_ID], const struct buf *const *part, size_t n)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	struct buf all = BUF_INIT(0);
	size_t i;

	for (i = 0; i < n; i++)
		buf_put_lv(&all, buf_str(part[i]), part[i]->len);
	if (EVP_Digest(buf_str(&all), all.len, sum, NULL, EVP_sha256(),
	    NULL) != 1)
		log_fatal("%s", _("SHA-256 is not there"));
	memcpy(id_r, sum, DOOR_ID);
	buf_clear(&all);
}
