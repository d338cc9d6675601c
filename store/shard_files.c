/*
 * What a task does with files: done at once, through body.h and text.h, and
 * noted in the order in which it was done. It goes with the batch of the
 * account, whose rows rest on it; where a folder's sync fails first, links are
 * taken back.
 */
#include "config.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/body.h"
#include "store/shard_files.h"
#include "store/text.h"

static void
note(struct task *t, const struct engine_file *f)
{
	if ((t->n_files & (t->n_files + 1)) == 0)
		t->files = mem_realloc(t->files, t->n_files * 2 + 1,
		    sizeof(*t->files));
	t->files[t->n_files++] = *f;
}

static enum body_result
noted(struct task *t, enum body_result r, const struct engine_file *f)
{
	if (r == BODY_DONE)
		note(t, f);
	return r;
}

enum body_result
task_link_queue(struct task *t, uint32_t mailbox, uint32_t uid,
    const char *id, int fd, uint64_t size)
{
	const struct engine_file f = { .kind = ENGINE_FILE_NEW,
		.mailbox = mailbox, .uid = uid };

	return noted(t, body_link_queue(t->account->path, mailbox, uid, id, fd,
	    size), &f);
}

enum body_result
task_link_put(struct task *t, uint32_t mailbox, uint32_t uid,
    const char *name, uint64_t size, uint32_t crc)
{
	const struct engine_file f = { .kind = ENGINE_FILE_NEW,
		.mailbox = mailbox, .uid = uid };

	enum body_result r = noted(t, body_link_put(t->account->path, mailbox,
	    uid, name, size, crc), &f);

	if (r != BODY_DONE || (t->body = body_open(t->account->path, mailbox,
	    uid)) != -1)
		return r;
	task_unlink(t);
	return BODY_TROUBLE;
}

enum body_result
task_link_checked(struct task *t, uint32_t mailbox, uint32_t uid,
    const char *name)
{
	const struct engine_file f = { .kind = ENGINE_FILE_NEW,
		.mailbox = mailbox, .uid = uid };

	return noted(t, body_link_checked(t->account->path, mailbox, uid,
	    name), &f);
}

enum body_result
task_link(struct task *t, uint32_t from, uint32_t from_uid, uint32_t to,
    uint32_t to_uid)
{
	const struct engine_file f = { .kind = ENGINE_FILE_LINK, .mailbox = to,
		.uid = to_uid, .from = from, .from_uid = from_uid };

	return noted(t, body_link(t->account->path, from, from_uid, to,
	    to_uid), &f);
}

enum body_result
task_expunge(struct task *t, uint32_t mailbox, uint32_t uid)
{
	const struct engine_file f = { .kind = ENGINE_FILE_EXPUNGE,
		.mailbox = mailbox, .uid = uid };

	return noted(t, body_expunge(t->account->path, mailbox, uid), &f);
}

enum body_result
task_drop(struct task *t, uint32_t mailbox, uint32_t uid)
{
	const struct engine_file f = { .kind = ENGINE_FILE_DROP,
		.mailbox = mailbox, .uid = uid };

	return noted(t, body_drop(t->account->path, mailbox, uid), &f);
}

int
task_make_mailbox(struct task *t, uint32_t mailbox)
{
	const struct engine_file f = { .kind = ENGINE_FILE_MAILBOX,
		.mailbox = mailbox };
	int e = body_make_mailbox(t->account->path, mailbox);

	if (e == 0)
		note(t, &f);
	return e;
}

void
task_unused(struct task *t, uint32_t mailbox)
{
	const struct engine_file f = { .kind = ENGINE_FILE_UNUSED,
		.mailbox = mailbox };

	body_unused(t->account->path, mailbox);
	note(t, &f);
}

int
task_text(struct task *t, uint32_t mailbox, const char *name,
    const struct buf *text)
{
	const struct engine_file f = { .kind = ENGINE_FILE_TEXT,
		.mailbox = mailbox, .name = name };
	int r = text_replace(t->account->path, mailbox, name, buf_str(text),
	    text->len);

	if (r == 0)
		note(t, &f);
	return r;
}

/* It is no text yet. */
int
task_text_piece(struct task *t, uint32_t mailbox, const char *name,
    const struct buf *piece, int first)
{
	return text_piece(t->account->path, mailbox, name, piece, first);
}

int
task_text_end(struct task *t, uint32_t mailbox, const char *name)
{
	const struct engine_file f = { .kind = ENGINE_FILE_TEXT,
		.mailbox = mailbox, .name = name };
	int r = text_pieces_end(t->account->path, mailbox, name);

	if (r == 0)
		note(t, &f);
	return r;
}

int
task_text_append(struct task *t, uint32_t mailbox, const char *name,
    const char *head, const struct buf *text, int *made_r)
{
	const struct engine_file f = { .kind = ENGINE_FILE_TEXT,
		.mailbox = mailbox, .name = name };
	int r = text_append(t->account->path, mailbox, name, head, text,
	    made_r);

	if (r == 0)
		note(t, &f);
	return r;
}

/* What was linked is no message yet; other things stay as after a crash. */
void
task_unlink(struct task *t)
{
	size_t i;

	for (i = t->n_files; i > 0; i--)
		if (t->files[i - 1].kind == ENGINE_FILE_NEW ||
		    t->files[i - 1].kind == ENGINE_FILE_LINK)
			(void)body_drop(t->account->path,
			    t->files[i - 1].mailbox, t->files[i - 1].uid);
	t->n_files = 0;
}

void
task_hand_files(struct task *t)
{
	size_t i;

	for (i = 0; i < t->n_files; i++)
		engine_file(account_batch(t->account), &t->files[i]);
	free(t->files);
	t->files = NULL;
	t->n_files = 0;
}
