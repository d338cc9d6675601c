/* Fresh files, which a door writes into: for APPEND, and for a message that a
   filter changed. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "store/body.h"
#include "store/door_client.h"
#include "store/op_file.h"

int
client_give_file(struct client *c, char name_r[BODY_NAME])
{
	int fd;

	if (c->n_files == DOOR_FILES_MAX) {
		errno = EDQUOT;
		return -1;
	}
	if ((fd = body_put(name_r)) == -1)
		return -1;
	c->file = mem_realloc(c->file, c->n_files + 1, sizeof(*c->file));
	memcpy(c->file[c->n_files++], name_r, BODY_NAME);
	return fd;
}

static void
op_file(struct request *r)
{
	struct client *c = r->c;
	char name[BODY_NAME];
	int fd;

	if (c->n_files == DOOR_FILES_MAX) {
		request_fail(r, D_REFUSED, "too many unused files");
		return;
	}
	if ((fd = client_give_file(c, name)) == -1) {
		request_fail(r, D_LATER, strerror(errno));
		return;
	}
	if (!client_begin(c, DM_FILE_IS, r->m->id)) {
		close(fd);
		return;
	}
	msg_text(&c->chan, DF_NAME, name);
	msg_fd(&c->chan, fd);
	client_end(c, c->shard);
}

/* The file must be one that this door was given; it is not its own any more. */
int
client_take_file(struct client *c, const struct msg *m, uint8_t tag,
    char name_r[BODY_NAME])
{
	size_t len;
	const char *p = msg_get(m, tag, &len);

	return client_take_name(c, p, len, name_r);
}

int
client_take_name(struct client *c, const char *p, size_t len,
    char name_r[BODY_NAME])
{
	size_t i;

	for (i = 0; i < c->n_files; i++)
		if (strlen(c->file[i]) == len &&
		    memcmp(c->file[i], p, len) == 0)
			break;
	if (i == c->n_files)
		return -1;
	memcpy(name_r, c->file[i], BODY_NAME);
	memcpy(c->file[i], c->file[--c->n_files], BODY_NAME);
	return 0;
}

void
op_file_back(struct request *r)
{
	char file[BODY_NAME];

	if (client_take_file(r->c, r->m, DF_NAME, file) == 0)
		body_put_back(file);
}

const struct op op_file_rows[] = {
	{ DM_FILE, op_file, OP_ADDS },
	{ DM_FILE_BACK, op_file_back, 0 },
	{ 0 }
};
