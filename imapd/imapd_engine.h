/*
 * The command engine: takes the next command out of a session's input, judges
 * tag, name, state and arguments, and runs it.
 */
#ifndef IMAPD_IMAPD_ENGINE_H
#define IMAPD_IMAPD_ENGINE_H

struct imapd_session;

/* 1: something was done; 0: input is missing. */
int	imapd_engine_step(struct imapd_session *s);

#endif
