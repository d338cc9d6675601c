/* An mbox as a source. A message is known by its octets, and by how often they
   come in the file. */
#include "config.h"

#include <openssl/evp.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/box_mbox.h"
#include "ctl/box_source.h"
#include "lib/base/words.h"
#include "lib/mail/mailbox_name.h"

struct reading {
	struct box_source *s;
	const char *path;
	int	 fd;
	int64_t	 date;			/* of the file */
	EVP_MD_CTX *sum;
	struct box_ids met;		/* of messages of this run */
};

static ssize_t
read_at(void *arg, void *p, size_t len, uint64_t offset)
{
	const struct reading *r = arg;

	return pread(r->fd, p, len, (off_t)offset);
}

static int
begin(void *arg)
{
	struct reading *r = arg;

	EVP_DigestInit_ex(r->sum, EVP_sha256(), NULL);
	return box_put_begin(&r->s->put);
}

static int
octets(void *arg, const char *p, size_t len)
{
	struct reading *r = arg;

	EVP_DigestUpdate(r->sum, p, len);
	box_put_octets(&r->s->put, p, len);
	return 0;
}

/* The n-th message with these octets has the n-th id of them. */
static void
id_of(struct reading *r, const char *mailbox, unsigned char *id_r)
{
	static const char kind[] = "mbox";
	unsigned char sum[EVP_MAX_MD_SIZE];
	char number[12];
	unsigned len = 0, n = 0;
	struct buf part[4] = {
		{ .data = (char *)(uintptr_t)kind, .len = sizeof(kind) - 1 },
		{ .data = (char *)(uintptr_t)mailbox, .len = strlen(mailbox) },
		{ .data = (char *)sum }, { .data = number },
	};
	const struct buf *const list[4] = { &part[0], &part[1], &part[2],
	    &part[3] };

	EVP_DigestFinal_ex(r->sum, sum, &len);
	part[2].len = len;
	do {
		part[3].len = (size_t)snprintf(number, sizeof(number), "%u",
		    n++);
		box_id(id_r, list, 4);
	} while (!box_ids_add(&r->met, id_r));
}

static int
end(void *arg, const struct mbox_message *m)
{
	struct reading *r = arg;
	struct box_put *p = &r->s->put;
	struct buf keywords = m->keywords;
	struct box_message b = { .flags = m->flags, .keywords = &keywords,
		.date = m->date };

	if (m->internal) {
		box_put_cancel(p);
		return 0;
	}
	id_of(r, p->name, b.id);
	if (box_put_known(p, b.id)) {
		box_put_cancel(p);
		return 0;
	}
	return box_put_end(p, &b);
}

int
box_mbox(struct box_source *s, int fd, const char *path, const char *mailbox,
    uint32_t attrs)
{
	struct reading r = { .s = s, .path = path, .fd = fd };
	const struct mbox_calls calls = { read_at, begin, octets, end, &r };
	int done = 0;

	if (!mailbox_name_ok(mailbox)) {
		box_put_skip(&s->put, path, _("that is no name of a mailbox"));
	} else if ((done = box_put_mailbox(&s->put, mailbox, attrs,
	    0)) == 0) {
		r.sum = EVP_MD_CTX_new();
		errno = 0;
		done = mbox_read(&calls);
		box_put_cancel(&s->put);
		if (done == 1)
			box_put_skip(&s->put, path, _("it is no mbox"));
		else if (done == -1 && s->put.status == 0)
			box_put_skip(&s->put, path, strerror(errno));
		done = s->put.status != 0 ? -1 :
		    box_put_mailbox_end(&s->put, 0);
		EVP_MD_CTX_free(r.sum);
		box_ids_clear(&r.met);
	}
	close(fd);
	return done;
}
