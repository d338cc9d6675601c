#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "pop3d/pop3d_box.h"

enum {
	LOCK_TRIES = 5,		/* the last session may just be ending */
	LOCK_WAIT_MS = 200,
	OFFSET_MAX = (1 << 30) - 1,	/* header_len has 30 bits */
};

static const char words_temp[] = "[SYS/TEMP] the mail store is not there, "
    "try again later";
static const char words_in_use[] = "[IN-USE] another session has this "
    "mailbox";
static const char words_changed[] = "[SYS/TEMP] the mailbox was changed, "
    "connect again";
static const char words_gone[] = "that message is no longer there";

static int
box_fail(struct pop3d_box *b, const char *doing)
{
	if (door_error(&b->door) == D_IN_USE)
		b->words = words_in_use;
	else
		b->words = words_temp;
	if (door_error(&b->door) != D_IN_USE)
		log_warn("%s: %s", doing, door_words(&b->door));
	return -1;
}

static int
box_lock(struct pop3d_box *b)
{
	struct timespec t = { .tv_nsec = LOCK_WAIT_MS * 1000000L };
	int i;

	for (i = 0; door_pop_lock(&b->door) == -1; i++) {
		if (door_error(&b->door) != D_IN_USE || i == LOCK_TRIES - 1)
			return box_fail(b, "lock");
		nanosleep(&t, NULL);
	}
	return 0;
}

/* The INBOX's id and uidvalidity. */
static int
box_find(struct pop3d_box *b, uint32_t *id_r, uint32_t *uidvalidity_r)
{
	struct door_mailbox *list;
	size_t i, n;

	if (door_list(&b->door, &list, &n) == -1)
		return box_fail(b, "list of mailboxes");
	for (i = 0; i < n && strcmp(list[i].name, "INBOX") != 0; i++)
		;
	if (i < n) {
		*id_r = list[i].id;
		*uidvalidity_r = list[i].uidvalidity;
	}
	door_list_free(&list, n);
	if (i < n)
		return 0;
	b->words = words_temp;
	log_warn("there is no INBOX");
	return -1;
}

static void
box_take(struct pop3d_box *b, const struct door_record *r, size_t n)
{
	struct pop3d_message *m;
	size_t i;

	b->message = mem_zalloc(n, sizeof(*b->message));
	b->n = b->n_left = (uint32_t)n;
	for (i = 0; i < n; i++) {
		m = &b->message[i];
		m->uid = r[i].uid;
		m->cut = (r[i].flags & MARK_CUT) != 0;
		m->size = r[i].size + (m->cut ? 2 : 0);
		m->header_len = r[i].header_len < OFFSET_MAX ?
		    r[i].header_len : OFFSET_MAX;
		b->size_left += m->size;
	}
}

/* How the message ends; one that is gone, or cannot be read, stays as it is. */
static void
look_at(struct door_record *r, int fd)
{
	struct door_tail tail = { .n = 0 };
	size_t n = r->size < 2 ? (size_t)r->size : 2;
	char last[2];

	if (fd == -1 ||
	    fd_pread_all(fd, last, n, (off_t)(r->size - n)) == -1)
		return;
	door_tail_add(&tail, last, n);
	r->flags |= door_tail_mark(&tail);
}

/* The same of up to DOOR_OPEN_MAX of them. */
static int
look_at_some(struct pop3d_box *b, struct door_record **r, size_t n)
{
	uint32_t uid[DOOR_OPEN_MAX];
	int fd[DOOR_OPEN_MAX];
	size_t i;

	for (i = 0; i < n; i++)
		uid[i] = r[i]->uid;
	if (n > 0 && door_open(&b->door, b->id, uid, n, fd) == -1)
		return box_fail(b, "open");
	for (i = 0; i < n; i++) {
		look_at(r[i], fd[i]);
		fd_close(&fd[i]);
	}
	return 0;
}

/* Store keeps it; where it cannot, the next session looks again. */
static void
box_mark(struct pop3d_box *b, struct door_record **r, size_t n, uint32_t mark)
{
	uint32_t *uid = mem_alloc((n + 1) * sizeof(*uid)), *failed = NULL;
	struct door_record *now = NULL;
	size_t i, marked = 0, n_now, n_failed;

	for (i = 0; i < n; i++)
		if (r[i]->flags & mark)
			uid[marked++] = r[i]->uid;
	if (marked > 0 && door_store(&b->door, b->id, uid, marked, DOOR_MARK,
	    mark, NULL, UINT64_MAX, &now, &n_now, &failed, &n_failed) == -1)
		log_debug("mark: %s", door_words(&b->door));
	free(now);
	free(failed);
	free(uid);
}

static int
box_look(struct pop3d_box *b, struct door_record *rec, size_t n)
{
	struct door_record **r = mem_alloc((n + 1) * sizeof(*r));
	size_t i, n_new = 0, some;
	int result = 0;

	for (i = 0; i < n; i++)
		if ((rec[i].flags & MARK_ALL) == 0)
			r[n_new++] = &rec[i];
	for (i = 0; i < n_new && result == 0; i += some) {
		some = n_new - i < DOOR_OPEN_MAX ? n_new - i : DOOR_OPEN_MAX;
		result = look_at_some(b, r + i, some);
	}
	if (result == 0) {
		box_mark(b, r, n_new, MARK_WHOLE);
		box_mark(b, r, n_new, MARK_CUT);
	}
	free(r);
	return result;
}

/* Without what a session of POP3 has deleted and store keeps. How many. */
static size_t
box_shown(struct door_record *rec, size_t n)
{
	size_t i, shown = 0;

	for (i = 0; i < n; i++)
		if (!(rec[i].flags & MARK_FETCHED))
			rec[shown++] = rec[i];
	return shown;
}

static int
box_read(struct pop3d_box *b)
{
	struct door_record *rec = NULL;
	uint32_t *gone = NULL;
	size_t n, n_gone;
	uint64_t modseq;
	int complete, r;

	if (door_records(&b->door, b->id, 0, &rec, &n, &gone, &n_gone,
	    &modseq, &complete) == -1)
		return box_fail(b, "list of messages");
	n = box_shown(rec, n);
	if (n > UINT32_MAX)
		n = UINT32_MAX;
	r = box_look(b, rec, n);
	if (r == 0)
		box_take(b, rec, n);
	free(rec);
	free(gone);
	return r;
}

int
pop3d_box_open(struct pop3d_box *b, int (*reopen)(void))
{
	memset(b, 0, sizeof(*b));
	b->reopen = reopen;
	door_init(&b->door, PEER_POP3D, reopen());
	if (b->door.chan.fd == -1) {
		b->words = words_temp;
		return -1;
	}
	if (box_lock(b) == -1 ||
	    box_find(b, &b->id, &b->uidvalidity) == -1 || box_read(b) == -1)
		return -1;
	return 0;
}

static void
ahead_drop(struct pop3d_box *b)
{
	uint32_t i;

	for (i = 0; i < b->ahead_n; i++)
		fd_close(&b->ahead[i]);
	b->ahead_n = 0;
}

void
pop3d_box_close(struct pop3d_box *b)
{
	ahead_drop(b);
	door_clear(&b->door);
}

void
pop3d_box_clear(struct pop3d_box *b)
{
	pop3d_box_close(b);
	free(b->message);
	b->message = NULL;
	b->n = 0;
}

/* A new door after D_LOST: 0 where the session can go on. */
static int
box_again(struct pop3d_box *b)
{
	uint32_t id, uidvalidity;
	int fd;

	if (door_error(&b->door) != D_LOST || (fd = b->reopen()) == -1)
		return -1;
	door_set(&b->door, fd);
	if (box_lock(b) == -1 || box_find(b, &id, &uidvalidity) == -1)
		return -1;
	if (id == b->id && uidvalidity == b->uidvalidity)
		return 0;
	b->words = words_changed;
	door_clear(&b->door);
	return -1;
}

struct pop3d_message *
pop3d_box_message(struct pop3d_box *b, uint64_t number)
{
	if (number == 0 || number > b->n || b->message[number - 1].deleted)
		return NULL;
	return &b->message[number - 1];
}

/* Opens from message i on, as many as the client's habit is worth. */
static int
ahead_fill(struct pop3d_box *b, uint32_t i)
{
	uint32_t uid[DOOR_OPEN_MAX], n = 0;

	if (i != b->next || b->ahead_size == 0)
		b->ahead_size = 1;
	else if (b->ahead_size < DOOR_OPEN_MAX)
		b->ahead_size *= 2;
	while (n < b->ahead_size && i + n < b->n) {
		uid[n] = b->message[i + n].uid;
		n++;
	}
	if (door_open(&b->door, b->id, uid, n, b->ahead) == -1) {
		if (box_again(b) == -1 ||
		    door_open(&b->door, b->id, uid, n, b->ahead) == -1)
			return -1;
	}
	b->ahead_at = i;
	b->ahead_n = n;
	return 0;
}

int
pop3d_box_fd(struct pop3d_box *b, uint32_t i, int *fd_r)
{
	b->words = words_temp;
	if (i < b->ahead_at || i - b->ahead_at >= b->ahead_n ||
	    b->ahead[i - b->ahead_at] == -1) {
		ahead_drop(b);
		if (ahead_fill(b, i) == -1)
			return box_fail(b, "open");
	}
	b->next = i + 1;
	*fd_r = b->ahead[i - b->ahead_at];
	b->ahead[i - b->ahead_at] = -1;
	if (*fd_r != -1)
		return 0;
	b->words = words_gone;
	return -1;
}

void
pop3d_box_delete(struct pop3d_box *b, struct pop3d_message *m)
{
	m->deleted = 1;
	b->n_left--;
	b->size_left -= m->size;
}

void
pop3d_box_reset(struct pop3d_box *b)
{
	uint32_t i;

	b->n_left = b->n;
	b->size_left = 0;
	for (i = 0; i < b->n; i++) {
		b->message[i].deleted = 0;
		b->size_left += b->message[i].size;
	}
}

static int
box_expunge(struct pop3d_box *b, const uint32_t *uid, size_t n)
{
	uint32_t *gone = NULL;
	uint64_t modseq;
	size_t n_gone;
	int r;

	r = door_expunge(&b->door, b->id, uid, n, 1, &gone, &n_gone, &modseq);
	free(gone);
	return r;
}

/* Those that somebody else expunged meanwhile are gone as was wished. */
int
pop3d_box_commit(struct pop3d_box *b)
{
	uint32_t i, *uid;
	size_t n = 0;
	int r = 0;

	if (b->n_left == b->n)
		return 0;
	uid = mem_alloc((b->n - b->n_left) * sizeof(*uid));
	for (i = 0; i < b->n; i++)
		if (b->message[i].deleted)
			uid[n++] = b->message[i].uid;
	if (box_expunge(b, uid, n) == -1 &&
	    (box_again(b) == -1 || box_expunge(b, uid, n) == -1))
		r = -1;
	free(uid);
	if (r == 0)
		return 0;
	(void)box_fail(b, "expunge");
	b->words = "[SYS/TEMP] some messages may not be removed";
	return -1;
}
