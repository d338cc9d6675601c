#include <stdarg.h>
#include <string.h>

#include "lib/base/clock.h"
#include "relay/fetch.h"

static struct fetch *current;	/* the run of this process */

void
fetch_end(struct fetch *f, enum cl_status status, const char *fmt, ...)
{
	va_list ap;

	if (f->status != 0)
		return;
	f->status = status;
	buf_reset(&f->words);
	va_start(ap, fmt);
	buf_vprintf(&f->words, fmt, ap);
	va_end(ap);
}

void
fetch_begin(struct fetch *f)
{
	current = f;
	f->end = f->a.seconds > 0 ? clock_mono_ms() + f->a.seconds * 1000 :
	    -1;
}

int
fetch_over(struct fetch *f)
{
	if (talk_hear(f) == -1)
		return 1;
	if (f->ending != NULL && f->ending())
		f->stop = 1;
	if (f->later)
		fetch_end(f, CL_QUEUE, "queue takes nothing at present");
	else if (f->end != -1 && clock_mono_ms() >= f->end)
		fetch_end(f, CL_LIMIT, "the time of a run is over");
	return f->stop || f->status != 0;
}

int
fetch_woken(void)
{
	return talk_hear(current) == -1;
}

static void
left(struct fetch *f, uint32_t number, struct fetch_slot *s,
    enum cl_left reason, const char *words)
{
	if (talk_left(f, number, s, reason, words) == -1)
		fetch_end(f, CL_QUEUE, "collect is gone");
}

/* What became of a message. */
static void
settle(struct fetch *f, struct fetch_slot *s, struct fetch_file *m,
    enum fetch_got got, const char *words)
{
	uint32_t number = s->number;

	/* Its file was taken back while it came (CL_LATER). */
	if (number == 0)
		return;
	/* The rest of a session that was left within a message is for another
	   run, which knows better. */
	if (m->too_large) {
		left(f, number, s, CL_TOO_LARGE, "it is larger than the "
		    "server said, and than may be");
		if (got == GOT_LOST)
			fetch_end(f, CL_LIMIT, "a message was too large");
	} else if (m->error != 0) {
		fetch_end(f, CL_QUEUE, "the disk: %s", strerror(m->error));
	} else if (got == GOT_VANISHED) {
		left(f, number, s, CL_VANISHED, "it is not there any more");
	} else if (got == GOT_REFUSED) {
		left(f, number, s, CL_UNREADABLE, words);
	} else if (got == GOT_WHOLE && fetch_file_end(m) == -1) {
		fetch_end(f, CL_QUEUE, "the disk: %s", strerror(m->error));
	} else if (got == GOT_WHOLE && talk_submit(f, s, m) == -1) {
		fetch_end(f, CL_QUEUE, "collect is gone");
	}
}

/* One that has its file. */
static enum fetch_got
bring(struct fetch *f, struct fetch_slot *slot, struct fetch_head *head,
    void *s, enum fetch_got (*get)(void *s, uint32_t number,
    struct fetch_file *m))
{
	struct fetch_file m;
	enum fetch_got got;

	head->id = slot->file;
	fetch_file_init(&m, head, slot->fd, f->a.largest);
	got = get(s, slot->number, &m);
	settle(f, slot, &m, got, "the server does not hand it out");
	fetch_file_clear(&m);
	return got;
}

/* Asks for the files of the next ones, for some are under way while one comes:
   how many were asked for. */
static size_t
ask_ahead(struct fetch *f, size_t at, size_t asked, void *s,
    uint64_t (*size)(void *s, uint32_t number))
{
	const struct fetch_want *w = &f->want;

	for (; asked < w->n && asked < at + FETCH_AHEAD; asked++) {
		if (size(s, w->v[asked]) > f->a.largest)
			continue;
		if ((asked > at && talk_open(f) == CL_WINDOW) ||
		    talk_room(f) == -1 || talk_file(f, w->v[asked]) == -1)
			break;
	}
	return asked;
}

void
fetch_messages(struct fetch *f, struct fetch_head *head, void *s,
    enum fetch_got (*get)(void *s, uint32_t number, struct fetch_file *m),
    uint64_t (*size)(void *s, uint32_t number))
{
	enum fetch_got got = GOT_WHOLE;
	struct fetch_slot *slot;
	size_t i, asked = 0, whole = 0, refused = 0;

	for (i = 0; i < f->want.n && got != GOT_LOST && !fetch_over(f); i++) {
		asked = ask_ahead(f, i, asked, s, size);
		if (size(s, f->want.v[i]) > f->a.largest) {
			left(f, f->want.v[i], NULL, CL_TOO_LARGE,
			    "it is larger than may be");
			continue;
		}
		if ((slot = talk_wait(f, f->want.v[i])) == NULL)
			break;
		got = bring(f, slot, head, s, get);
		whole += got == GOT_WHOLE;
		refused += got == GOT_REFUSED;
	}
	if (refused > 0 && whole == 0)
		fetch_end(f, CL_SYS_TEMP, "the server hands out none of the "
		    "messages");
	(void)talk_answered(f);
	(void)fetch_over(f);
}
