/* The runs that there are, and what is said to their workers. */
#include "lib/base/str.h"
#include "lib/mail/result.h"
#include "relay/collect.h"

struct want *
run_want(struct run *r, uint32_t number)
{
	size_t i;

	/* It takes them in our order. */
	for (i = r->next; i < r->n_want; i++)
		if (r->want[i].number == number) {
			if (i == r->next)
				r->next++;
			return &r->want[i];
		}
	for (i = 0; i < r->next; i++)
		if (r->want[i].number == number)
			return &r->want[i];
	return NULL;
}

struct run *
run_waiting(void)
{
	struct run *r;

	TAILQ_FOREACH(r, &collect.runs, in_list)
		if (r->a == NULL && !r->ended)
			return r;
	return NULL;
}

size_t
run_count(int busy)
{
	struct run *r;
	size_t n = 0;

	TAILQ_FOREACH(r, &collect.runs, in_list)
		n += !busy || r->a != NULL;
	return n;
}

void
run_stop(struct run *r)
{
	if (r->a == NULL || r->stopping)
		return;
	r->stopping = 1;
	link_begin(&r->link, CL_STOP, 0);
	link_send(&r->link);
}

void
run_file(struct run *r, struct want *w, const char *file, int fd)
{
	struct chan *c;

	w->state = WANT_FILE;
	(void)str_copy(w->file, sizeof(w->file), file);
	c = link_begin(&r->link, CL_FILE_IS, w->number);
	msg_text(c, CLF_FILE, file);
	msg_fd(c, fd);
	link_send(&r->link);
}

void
run_later(struct run *r, struct want *w, const char *words)
{
	struct chan *c;

	w->state = WANT_OVER;
	w->late = 1;
	c = link_begin(&r->link, CL_LATER, w->number);
	msg_words(c, CLF_WORDS, words, RESULT_WORDS_MAX);
	link_send(&r->link);
}

void
run_fetched(struct run *r, struct want *w)
{
	struct chan *c;

	w->state = WANT_OVER;
	r->a->fetched++;
	c = link_begin(&r->link, CL_DONE, w->number);
	if (r->a->conf.keep == COLLECT_KEEP_NOTHING)
		msg_u32(c, CLF_REMOVE, 1);
	link_send(&r->link);
}
