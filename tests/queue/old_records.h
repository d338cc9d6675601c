/*
 * Records as the first version wrote them: of a message from s@far.test with
 * two recipients, anna@example.test (ORCPT, NOTIFY=FAILURE) and
 * "a b"@example.test.
 */
#ifndef TESTS_QUEUE_OLD_RECORDS_H
#define TESTS_QUEUE_OLD_RECORDS_H

enum {
	OLD_ENVELOPE = 165,
	OLD_TARGETS = 40,
	OLD_RESULT = 20,
	OLD_SCHEDULE = 24,
};

extern const unsigned char old_envelope[OLD_ENVELOPE];
extern const unsigned char old_targets[OLD_TARGETS];
extern const unsigned char old_result[OLD_RESULT];
extern const unsigned char old_schedule[OLD_SCHEDULE];

#endif
