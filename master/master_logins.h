/*
 * Who is logged in: a session of each login that auth told of, by name of the
 * session, until its process says that it is over, or ends. In imapd a process
 * has several; pop3d and a worker of submission have one.
 */
#ifndef MASTER_MASTER_LOGINS_H
#define MASTER_MASTER_LOGINS_H

#include "master/master.h"

struct login {
	TAILQ_ENTRY(login) in_list;
	uint32_t id;		/* of a session, unique while master lives */
	struct proc *proc;
	enum service service;
	double	 since;		/* ev_time */
	int	 kicked;
	char	*user, *remote, *tls;	/* tls "": none was told */
};
TAILQ_HEAD(login_list, login);

/* All, in the order of their begin. */
extern struct login_list logins;

/* A session begins in p: its id. */
uint32_t logins_add(struct proc *p, enum service s, const char *user,
	    const char *remote, const char *tls);
/* p says that its session is over. */
void	logins_ended(const struct proc *p, uint32_t id);
/* p has ended. */
void	logins_forget(const struct proc *p);
/*
 * Ends a session, or all of a user, at once: the process is asked, and killed
 * where it has not done so LOGINS_GRACE seconds later; LOGINS_GRACE_OTHERS
 * where it has sessions that were not to end. How many there were. A process
 * of a user whose sessions were all to end gets no other one.
 */
unsigned logins_kick(uint32_t id);
unsigned logins_kick_user(const char *user);
/* Once a second. */
void	logins_tick(double now);

#endif
