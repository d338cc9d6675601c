/*
 * What a client may count on: nothing is shown that a power cut could take
 * back, a delivery that is repeated while the first is under way is one
 * message, and a condition of a STORE holds where nothing has changed.
 */
#include "config.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "store/engine.h"
#include "tests/store/rig.h"

#define ANNA	"anna@example.test"
#define TEXT	"Subject: a\n\nbody\n"

enum { WAIT_US = 2000, TRIES = 30000, WAIT_MS = 60000 };

/* Shared with the child: with hold, what was committed does not get durable. */
static struct shared {
	atomic_int hold, commits;
	atomic_ullong newest, durable;	/* tokens */
} *sh;

uint64_t __real_engine_commit(struct engine_db *db,
	    struct engine_batch *const *list, size_t n);
uint64_t __wrap_engine_commit(struct engine_db *db,
	    struct engine_batch *const *list, size_t n);
uint64_t
__wrap_engine_commit(struct engine_db *db, struct engine_batch *const *list,
    size_t n)
{
	uint64_t token = __real_engine_commit(db, list, n);

	atomic_store(&sh->newest, token);
	atomic_fetch_add(&sh->commits, 1);
	return token;
}

/* The commits and flushes of these would take with them what nobody else makes
   durable. */
void	__wrap_generation_tick(void);
void
__wrap_generation_tick(void)
{
}

struct shard;
void	__real_flagsfiles_write(struct shard *s, int all);
void	__wrap_flagsfiles_write(struct shard *s, int all);
void
__wrap_flagsfiles_write(struct shard *s, int all)
{
	if (all)
		__real_flagsfiles_write(s, all);
}

enum engine_result __real_engine_durable(struct engine *e, uint64_t token);
enum engine_result __wrap_engine_durable(struct engine *e, uint64_t token);
enum engine_result
__wrap_engine_durable(struct engine *e, uint64_t token)
{
	enum engine_result r;

	while (atomic_load(&sh->hold) && atomic_load(&sh->commits) > 0)
		usleep(WAIT_US);
	r = __real_engine_durable(e, token);
	if (token > atomic_load(&sh->durable))
		atomic_store(&sh->durable, token);
	return r;
}

static struct rig rig;

static void
start(void)
{
	memset(sh, 0, sizeof(*sh));
	rig_init(&rig);
	rig_start(&rig);
}

static void
end(void)
{
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
}

static void *
deliver(void *arg)
{
	char id[17];

	rig_file(&rig, TEXT, id);
	*(enum result *)arg = rig_deliver(&rig, id, ANNA, NULL);
	return NULL;
}

static void
deliver_one(void)
{
	enum result r;

	deliver(&r);
	assert_int_equal(r, RESULT_DELIVERED);
}

static size_t
records(uint64_t since, uint64_t *modseq_r, uint64_t *last_r)
{
	struct door_record *rec;
	uint32_t *gone;
	size_t n, n_gone;
	int complete;

	assert_int_equal(door_records(&rig.imap[0], 1, since, &rec, &n, &gone,
	    &n_gone, modseq_r, &complete), 0);
	assert_true(complete);
	*last_r = n > 0 ? rec[n - 1].modseq : 0;
	free(rec);
	free(gone);
	return n;
}

static void
test_not_durable(void **state)
{
	struct door *d = &rig.imap[0];
	struct door_mailbox before, m;
	uint64_t modseq, later, last;
	uint32_t uid = 2;
	enum result result;
	pthread_t t;
	int i, fd;

	start();
	deliver_one();
	assert_int_equal(door_status(d, 1, &before), 0);
	atomic_store(&sh->commits, 0);
	atomic_store(&sh->hold, 1);
	assert_int_equal(pthread_create(&t, NULL, deliver, &result), 0);
	for (i = 0; i < TRIES && atomic_load(&sh->commits) == 0; i++)
		usleep(WAIT_US);
	assert_true(atomic_load(&sh->commits) > 0);
	assert_int_equal(door_status(d, 1, &m), 0);
	assert_int_equal(m.messages, 1);
	assert_int_equal(m.uidnext, before.uidnext);
	assert_int_equal(m.size, before.size);
	assert_int_equal(records(0, &modseq, &last), 1);
	assert_true(modseq >= last);
	assert_int_equal(door_open(d, 1, &uid, 1, &fd), 0);
	assert_int_equal(fd, -1);
	atomic_store(&sh->hold, 0);
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_int_equal(result, RESULT_DELIVERED);
	/* It is news to whoever was told the state meanwhile. */
	assert_int_equal(records(modseq, &later, &last), 1);
	assert_true(last > modseq && later >= last);
	assert_int_equal(door_status(d, 1, &m), 0);
	assert_int_equal(m.messages, 2);
	end();
}

/* A request that is not waited for; its answer. */
static void
ask(struct door *d, enum door_type type, uint32_t uid, uint32_t to)
{
	struct chan *c = &d->chan;
	struct buf uids = BUF_INIT(0);

	buf_put_u32(&uids, uid);
	msg_begin(c, &proto_door, type, 77);
	msg_u32(c, DF_MAILBOX, 1);
	if (to != 0)
		msg_u32(c, DF_TO, to);
	msg_bytes(c, DF_UIDS, uids.data, uids.len);
	msg_u32(c, DF_ON, to == 0);
	assert_int_equal(msg_end(c), 0);
	assert_int_equal(chan_send(c, WAIT_MS), 0);
	buf_clear(&uids);
}

static void
answered(struct door *d, enum door_type type)
{
	struct buf why = BUF_INIT(200);
	struct msg m;
	size_t len;

	do {
		assert_int_equal(msg_recv(&m, &proto_door, PEER_STORE,
		    &d->chan, WAIT_MS, &why), 1);
		if (m.id == 0)
			msg_done(&m);	/* an event */
	} while (m.id == 0);
	assert_int_equal(m.type, type);
	(void)msg_get(&m, DF_UIDS, &len);
	assert_int_equal(len, 0);
	msg_done(&m);
	buf_clear(&why);
}

/* ... nor is it changed, removed or copied by who cannot know it. */
static void
test_not_durable_is_not_there(void **state)
{
	struct door_record *rec;
	uint32_t both[] = { 1, 2 }, *failed;
	struct door_mailbox m;
	size_t n, n_failed;
	enum result result;
	pthread_t t;
	int i;

	start();
	deliver_one();
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	atomic_store(&sh->commits, 0);
	atomic_store(&sh->hold, 1);
	assert_int_equal(pthread_create(&t, NULL, deliver, &result), 0);
	for (i = 0; i < TRIES && atomic_load(&sh->commits) == 0; i++)
		usleep(WAIT_US);
	assert_int_equal(door_store(&rig.imap[0], 1, both, 2, DOOR_ADD,
	    FLAG_FLAGGED, NULL, UINT64_MAX, &rec, &n, &failed, &n_failed), 0);
	assert_int_equal(n, 1);
	assert_int_equal(rec[0].uid, 1);
	assert_int_equal(n_failed, 0);
	free(rec);
	free(failed);
	ask(&rig.imap[1], DM_EXPUNGE, 2, 0);
	ask(&rig.pop[1], DM_COPY, 2, 2);
	/* Others are served meanwhile: both have been looked at by then. */
	for (i = 0; i < 3; i++)
		assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	assert_int_equal(m.messages, 1);
	atomic_store(&sh->hold, 0);
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_int_equal(result, RESULT_DELIVERED);
	answered(&rig.imap[1], DM_GONE);
	answered(&rig.pop[1], DM_COPIED);
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	assert_int_equal(m.messages, 2);
	end();
}

/* All that is committed gets durable, though nobody asks for it. */
static void
wait_durable(void)
{
	uint64_t token = atomic_load(&sh->newest);
	int i;

	for (i = 0; i < TRIES && atomic_load(&sh->durable) < token; i++)
		usleep(WAIT_US);
	assert_true(atomic_load(&sh->durable) >= token);
}

/* Flags are durable soon, though nobody waits for it, and with what is counted
   of them. */
static void
test_flags_get_durable(void **state)
{
	struct door_record *rec;
	uint32_t uid = 1, *failed;
	struct door_mailbox now;
	size_t n, n_failed;

	start();
	deliver_one();
	deliver_one();
	assert_int_equal(door_store(&rig.imap[0], 1, &uid, 1, DOOR_ADD,
	    FLAG_SEEN | FLAG_DELETED, NULL, UINT64_MAX, &rec, &n, &failed,
	    &n_failed), 0);
	assert_int_equal(n, 1);
	wait_durable();
	rig_kill(&rig);
	rig_start(&rig);
	assert_int_equal(door_status(&rig.imap[0], 1, &now), 0);
	assert_int_equal(now.messages, 2);
	assert_int_equal(now.unseen, 1);
	assert_int_equal(now.deleted, 1);
	assert_true(now.highestmodseq >= rec[0].modseq);
	free(rec);
	free(failed);
	end();
}

/* What is recent is so for one, also behind a kill when nothing else came. */
static void
test_recent_gets_durable(void **state)
{
	struct door_mailbox m;
	uint32_t recent;
	int i, before;

	start();
	deliver_one();
	before = atomic_load(&sh->commits);
	assert_int_equal(door_select(&rig.imap[0], 1, 1, &m, &recent), 0);
	assert_int_equal(m.recent, 1);
	for (i = 0; i < TRIES && atomic_load(&sh->commits) == before; i++)
		usleep(WAIT_US);
	assert_true(atomic_load(&sh->commits) > before);
	wait_durable();
	rig_kill(&rig);
	rig_start(&rig);
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	assert_int_equal(m.messages, 1);
	assert_int_equal(m.recent, 0);
	end();
}

/* Where one of several cannot be moved away, those before it are gone, and
   those behind it are not. */
static void
test_expunge_fails_in_the_middle(void **state)
{
	static const char dir[] = "spool/mail/example.test/anna/1/expunged";
	struct door *d = &rig.imap[0];
	uint32_t uids[] = { 1, 2, 3 }, *gone;
	struct door_record *rec;
	struct door_mailbox m;
	char path[300];
	uint64_t modseq;
	size_t n, n_gone;
	int i, complete;

	start();
	for (i = 0; i < 3; i++)
		deliver_one();
	/* A folder is in its way. */
	(void)mkdir(rig_path(&rig, dir), 0700);
	snprintf(path, sizeof(path), "%s/2", dir);
	assert_int_equal(mkdir(rig_path(&rig, path), 0700), 0);
	assert_int_equal(door_expunge(d, 1, uids, 3, 1, &gone, &n_gone,
	    &modseq), -1);
	assert_int_equal(door_error(d), D_LATER);
	free(gone);
	assert_int_equal(door_status(d, 1, &m), 0);
	assert_int_equal(m.messages, 2);
	assert_int_equal(door_records(d, 1, 0, &rec, &n, &gone, &n_gone,
	    &modseq, &complete), 0);
	assert_int_equal(n, 2);
	assert_int_equal(rec[0].uid, 2);
	assert_int_equal(rec[1].uid, 3);
	free(rec);
	free(gone);
	assert_int_equal(rmdir(rig_path(&rig, path)), 0);
	assert_int_equal(door_expunge(d, 1, uids, 3, 1, &gone, &n_gone,
	    &modseq), 0);
	assert_int_equal(n_gone, 2);
	free(gone);
	end();
}

static void
test_repeated_under_way(void **state)
{
	struct door *d = &rig.deliver[0];
	struct pollfd p = { .fd = -1, .events = POLLIN };
	char id[17], words[RESULT_WORDS_MAX + 1];
	unsigned seen = 0, i;
	uint64_t modseq, last;
	enum result result;
	uint32_t tag;
	int got;

	start();
	deliver_one();
	rig_file(&rig, TEXT, id);
	/* Both in one write, so that no answer is between. */
	for (i = 1; i <= 2; i++)
		assert_int_equal(rig_send(d, i, id, ANNA, rig_open(&rig, id),
		    strlen(TEXT), 12), 0);
	p.fd = d->chan.fd;
	for (i = 0; i < 2; i++) {
		while ((got = rig_answer(d, &tag, &result, words)) == 0)
			assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		assert_int_equal(got, 1);
		assert_int_equal(result, RESULT_DELIVERED);
		seen |= 1u << tag;
	}
	assert_int_equal(seen, 6);
	assert_int_equal(records(0, &modseq, &last), 2);
	end();
}

static size_t
flagged_unless(uint64_t unless, size_t *failed_r)
{
	struct door_record *rec;
	uint32_t uid = 1, *failed;
	size_t n;

	assert_int_equal(door_store(&rig.imap[0], 1, &uid, 1, DOOR_ADD,
	    FLAG_FLAGGED, NULL, unless, &rec, &n, &failed, failed_r), 0);
	free(rec);
	free(failed);
	return n;
}

/* "UNCHANGEDSINCE: every message whose mod-sequence is equal or less" (RFC
   7162 3.1.3). */
static void
test_unchanged_since(void **state)
{
	uint64_t modseq, last;
	size_t n_failed;

	start();
	deliver_one();
	assert_int_equal(records(0, &modseq, &last), 1);
	assert_int_equal(flagged_unless(last - 1, &n_failed), 0);
	assert_int_equal(n_failed, 1);
	assert_int_equal(flagged_unless(last, &n_failed), 1);
	assert_int_equal(n_failed, 0);
	/* It has a new one now. */
	assert_int_equal(flagged_unless(last, &n_failed), 0);
	assert_int_equal(n_failed, 1);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_durable),
		cmocka_unit_test(test_not_durable_is_not_there),
		cmocka_unit_test(test_flags_get_durable),
		cmocka_unit_test(test_recent_gets_durable),
		cmocka_unit_test(test_expunge_fails_in_the_middle),
		cmocka_unit_test(test_repeated_under_way),
		cmocka_unit_test(test_unchanged_since),
	};

	setenv("RIG_THREADS", "1", 1);
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
