/* Whose mailboxes a door may name. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"
#define BERT "bert@example.test"

static struct rig rig;

static int
setup(void **state)
{
	rig_init(&rig);
	rig_start(&rig);
	return 0;
}

static int
teardown(void **state)
{
	int status = rig_stop(&rig);

	rig_clear(&rig);
	return status == 0 ? 0 : -1;
}

/* A value that the table allows, and that would find something of anna's. */
static void
put_field(struct chan *c, const struct msg_field *f)
{
	static const char uid[4] = { 1 };

	if (f->optional)
		return;
	switch (f->type) {
	case MSG_U32:
		msg_u32(c, f->tag, 1);
		break;
	case MSG_U64:
		msg_u64(c, f->tag, 0);
		break;
	case MSG_TEXT:
		msg_text(c, f->tag, "x");
		break;
	case MSG_BYTES:
		msg_bytes(c, f->tag, uid, f->tag == DF_UIDS ? 4 : 0);
		break;
	}
}

static const struct msg_field *
field_of(unsigned type, uint8_t tag)
{
	const struct msg_field *f = proto_door.desc[type].fields;

	for (; f != NULL && f->name != NULL; f++)
		if (f->tag == tag)
			return f;
	return NULL;
}

/* The type of what anna's door answers; D_OK, or the error, in e_r. */
static unsigned
ask(unsigned type, uint8_t tag, const char *owner, enum door_error *e_r)
{
	const struct msg_field *f = proto_door.desc[type].fields;
	struct chan *c = &rig.imap[0].chan;
	struct buf why = BUF_INIT(300);
	struct msg m;
	unsigned got;

	msg_begin(c, &proto_door, type, 77);
	for (; f->name != NULL; f++)
		put_field(c, f);
	msg_text(c, tag, owner);
	assert_int_equal(msg_end(c), 0);
	assert_int_equal(chan_send(c, 10000), 0);
	do {
		assert_int_equal(msg_recv(&m, &proto_door, PEER_STORE, c,
		    10000, &why), 1);
		got = m.type;
		*e_r = got == DM_FAILED ?
		    (enum door_error)msg_get_u32(&m, DF_ERROR) : D_OK;
		msg_done(&m);
	} while (m.id != 77);
	buf_clear(&why);
	return got;
}

static void
refused(unsigned type, uint8_t tag, const char *owner)
{
	enum door_error e;

	assert_int_equal(ask(type, tag, owner, &e), DM_FAILED);
	assert_int_equal(e, D_ABSENT);
}

/* Every request that may name an owner, but for the one without an answer. */
static void
test_nobody_else(void **state)
{
	unsigned type, n = 0;

	for (type = 1; type < DM_DELIVER; type++) {
		if (type == DM_CACHE_PUT || field_of(type, DF_OWNER) == NULL)
			continue;
		refused(type, DF_OWNER, BERT);
		refused(type, DF_OWNER, "nobody@example.test");
		refused(type, DF_OWNER, "");
		refused(type, DF_OWNER, "anna");
		refused(type, DF_OWNER, "anna@example.testx");
		n++;
	}
	assert_int_equal(n, 15);
}

/* What names a mailbox may name its owner. */
static void
test_every_mailbox_has_an_owner(void **state)
{
	unsigned type;

	for (type = 1; type < DM_DELIVER; type++)
		if (field_of(type, DF_MAILBOX) != NULL)
			assert_non_null(field_of(type, DF_OWNER));
}

static void
test_oneself(void **state)
{
	enum door_error e;

	assert_int_equal(ask(DM_STATUS, DF_OWNER, ANNA, &e), DM_MAILBOX);
	assert_int_equal(ask(DM_CREATE, DF_OWNER, ANNA, &e), DM_MAILBOX);
	assert_int_equal(ask(DM_COPY, DF_TO_NAME, ANNA, &e), DM_COPIED);
	refused(DM_COPY, DF_TO_NAME, BERT);
	refused(DM_COPY, DF_TO_NAME, "");
}

/* An APPEND to somebody else loses the file, as any that is refused. */
static void
test_a_refused_append_gives_its_file_up(void **state)
{
	struct door *d = &rig.imap[0];
	char name[DOOR_FILE_NAME + 1];
	enum door_error e;
	unsigned i;
	int fd;

	for (i = 0; i < DOOR_FILES_MAX; i++) {
		assert_int_equal(door_file(d, &fd, name), 0);
		fd_close(&fd);
	}
	assert_int_equal(door_file(d, &fd, name), -1);
	msg_begin(&d->chan, &proto_door, DM_APPEND, 5);
	msg_u32(&d->chan, DF_MAILBOX, 1);
	msg_text(&d->chan, DF_NAME, "0000000000000001");
	msg_u64(&d->chan, DF_SIZE, 0);
	msg_u32(&d->chan, DF_CRC, 0);
	msg_u32(&d->chan, DF_HEADER, 0);
	msg_u32(&d->chan, DF_FLAGS, 0);
	msg_u64(&d->chan, DF_DATE, 0);
	msg_text(&d->chan, DF_OWNER, BERT);
	assert_int_equal(msg_end(&d->chan), 0);
	refused(DM_STATUS, DF_OWNER, BERT);
	assert_int_equal(ask(DM_STATUS, DF_OWNER, ANNA, &e), DM_MAILBOX);
	assert_int_equal(door_file(d, &fd, name), 0);
	fd_close(&fd);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_nobody_else),
		T(test_every_mailbox_has_an_owner),
		T(test_oneself),
		T(test_a_refused_append_gives_its_file_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
