/*
 * The real auth behind its channel, for tests: a cdb of accounts, an asker's
 * end, a stand-in for master.
 */
#ifndef TESTS_AUTH_RIG_H
#define TESTS_AUTH_RIG_H

#include "auth/auth_request.h"

/* Of password ("$y$", "$6$"), and of app_password ("$6$"). */
extern const char hash[], hash6[], app_hash[];
extern const char password[], app_password[];

extern char path[], learned_path[];	/* passwd.cdb, what was learned */
extern struct auth_learned *learned;
extern int scram;		/* of the next open_serve */
extern struct ev_loop *loop;
extern struct auth_serve *serve;
extern struct chan asker;

/* What master was asked for last. */
extern uint32_t start_id, start_instance;
extern char start_user[];
extern int start_worker;	/* master answers at once, by answer() */
extern int start_result;

/* Names and lines, up to a name that is NULL. */
void	write_passwd(const char *const rows[][2]);
/* The asker is instance 7 of that kind; delay in ms, for failures. */
void	open_serve(enum peer kind, int64_t delay);
void	close_serve(void);

void	ask(uint32_t id, enum service s, const char *user, const char *pw);
enum { ANSWER_MS = 120000 };	/* a hash on a slow machine */
/* Turns the loop until an answer is there: 1, 0 (end), -1 nothing in ms. */
int	answer(struct msg *m, int ms);
void	expect_ok(uint32_t id, const char *user);
void	expect_no(uint32_t id, enum a_reason why);
/* Until master is asked for a session. */
void	turn_until_started(void);

int	rig_setup(void **state);
int	rig_teardown(void **state);

#endif
