/*
 * The fields of an envelope, a row for each: where it stands in Q_SUBMIT, in
 * a job and in the record, and its bound. A parameter of MAIL that is new is a
 * row here and a member of struct envelope; its tags belong to the tables of
 * lib/mail/proto.c. (Parameters of RCPT are in struct recipient.)
 *
 * A field is absent where its number is 0 or its text is empty. What is absent
 * stands in no job, but for FIELD_ALWAYS, and in no record, but for
 * FIELD_FIXED.
 */
#ifndef QUEUE_QUEUE_FIELDS_H
#define QUEUE_QUEUE_FIELDS_H

#include "lib/base/msg.h"
#include "queue/queue_envelope.h"

enum field_flag {
	FIELD_FIXED = 1,	/* in each record, in the order of the rows */
	FIELD_ALWAYS = 2,	/* in each job */
	FIELD_DELIVER = 4,	/* in J_DELIVER */
	FIELD_RELAY = 8,	/* in J_RELAY */
};

struct envelope_field {
	const char *name;
	uint8_t	 type;		/* enum msg_type */
	uint8_t	 flags;		/* enum field_flag */
	uint8_t	 submit, job;	/* enum q_field, enum j_field; job 0: none */
	uint8_t	 tag;		/* in the record; 0 where FIELD_FIXED */
	uint32_t max;		/* octets; or the highest number, 0: any */
	size_t	 at;		/* in struct envelope: uint32_t, uint64_t,
				   const char *, struct envelope_bytes */
	const char *const *words; /* for numbers up to max, to show; or NULL */
	/* Of MSG_BYTES: 0, or -1 for what is malformed. */
	int	(*check)(const void *p, size_t len);
};

extern const struct envelope_field envelope_fields[]; /* ends: name NULL */

/* The row of a tag of the record, or NULL. */
const struct envelope_field *field_by_tag(uint8_t tag);

uint64_t field_number(const struct envelope_field *f,
	    const struct envelope *e);
const char *field_text(const struct envelope_field *f,
	    const struct envelope *e);
const struct envelope_bytes *field_bytes(const struct envelope_field *f,
	    const struct envelope *e);
int	field_absent(const struct envelope_field *f, const struct envelope *e);

void	field_set_number(const struct envelope_field *f, struct envelope *e,
	    uint64_t v);
/*
 * Copies the octets to *arena, which moves on; a text gets its NUL. 0, or -1
 * where they are malformed.
 */
int	field_set(const struct envelope_field *f, struct envelope *e,
	    const void *p, size_t len, char **arena) ATTR_CHECK;

/* All fields of a Q_SUBMIT but the recipients. arena has room for all the
   frame's octets. 0, or -1 for a value out of bounds. */
int	fields_read(struct envelope *e, const struct msg *m, char *arena)
	    ATTR_CHECK;
/* Adds what the job that is being built has to know; flag: FIELD_DELIVER or
   FIELD_RELAY. */
void	fields_write(const struct envelope *e, struct chan *c,
	    enum field_flag flag);

#endif
