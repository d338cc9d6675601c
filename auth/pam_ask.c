/*
 * One handle stays open for the life of the process: its modules stay mapped,
 * and a later pam_start, which the filter would not let map them, finds them
 * there. So a changed service counts from the next process on (rohrpost
 * reload).
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auth/pam_ask.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/server/host_user.h"
#include "lib/server/settings.h"

static const char system_dir[] = "/etc/pam.d";
static const char own_dir[] = PKGDATADIR "/pam.d";

struct pam_service {
	char	 dir[SETTINGS_PATH_MAX], name[256];
};

static int
there(const struct pam_service *s)
{
	char path[sizeof(s->dir) + sizeof(s->name)];

	snprintf(path, sizeof(path), "%s/%s", s->dir, s->name);
	return access(path, R_OK) == 0;
}

/* 0, or -1 with errno. */
static int
find_service(const char *service, struct pam_service *s)
{
	const char *slash = strrchr(service, '/');
	size_t i;

	errno = ENAMETOOLONG;
	if (str_copy(s->name, sizeof(s->name), slash != NULL ? slash + 1 :
	    service) == -1)
		return -1;
	/* libpam looks for a name in lower case. */
	for (i = 0; s->name[i] != '\0'; i++)
		if (s->name[i] >= 'A' && s->name[i] <= 'Z') {
			errno = EINVAL;
			return -1;
		}
	if (slash != NULL) {
		snprintf(s->dir, sizeof(s->dir), "%.*s",
		    (int)(slash - service), service);
		return there(s) ? 0 : -1;
	}
	strcpy(s->dir, system_dir);
	if (there(s))
		return 0;
	strcpy(s->dir, own_dir);
	return there(s) ? 0 : -1;
}

#ifdef HAVE_PAM

#include <security/pam_appl.h>

static struct pam_service service;
static char group[256];
static timer_t timer;

/* What the modules are told, and what they say. */
struct talk {
	const char *password;
	struct buf *words;
};

static void
keep_words(struct talk *t, const char *words)
{
	if (words == NULL || *words == '\0')
		return;
	if (t->words->len > 0)
		(void)buf_puts(t->words, ", ");
	(void)buf_append(t->words, words, strnlen(words, PAM_WORDS_MAX));
}

static void
free_answers(struct pam_response *r, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		if (r[i].resp != NULL)
			mem_wipe(r[i].resp, strlen(r[i].resp));
		free(r[i].resp);
	}
	free(r);
}

/* The answers are the module's: it frees them. */
static int
converse(int n, const struct pam_message **m, struct pam_response **r_r,
    void *arg)
{
	struct talk *t = arg;
	struct pam_response *r;
	int i;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	r = mem_zalloc((size_t)n, sizeof(*r));
	for (i = 0; i < n; i++) {
		switch (m[i]->msg_style) {
		case PAM_PROMPT_ECHO_OFF:
			r[i].resp = mem_strdup(t->password);
			break;
		case PAM_TEXT_INFO:
		case PAM_ERROR_MSG:
			keep_words(t, m[i]->msg);
			break;
		default:
			/* Nobody is there who could answer. */
			free_answers(r, n);
			return PAM_CONV_ERR;
		}
	}
	*r_r = r;
	return PAM_SUCCESS;
}

static int
converse_not(int n, const struct pam_message **m, struct pam_response **r_r,
    void *arg)
{
	return PAM_CONV_ERR;
}

/* auth has delays of its own, in which no process waits. */
static void
no_delay(int status, unsigned us, void *arg)
{
}

/* Nothing but what a signal's handler may do: the peer's end is the word. */
static void
give_up(int sig)
{
	_exit(LOG_EXIT_TEMP);
}

static void
set_timer(time_t seconds)
{
	const struct itimerspec t = { .it_value.tv_sec = seconds };

	if (timer_settime(timer, 0, &t, NULL) == -1)
		log_fatal("timer: %s", strerror(errno));
}

/*
 * What modules say of an account or a password is a verdict; what they say of
 * themselves, and what is not known, is none.
 */
static enum p_result
verdict(int status)
{
	switch (status) {
	case PAM_SUCCESS:
		return P_PASSED;
	case PAM_AUTH_ERR:
	case PAM_USER_UNKNOWN:
	case PAM_MAXTRIES:
		return P_WRONG;
	case PAM_PERM_DENIED:
	case PAM_ACCT_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_CRED_EXPIRED:
	case PAM_AUTHTOK_EXPIRED:
		return P_REFUSED;
	default:
		return P_LATER;
	}
}

/* A module may have put another name in the place of the one that was judged. */
static int
is_same_user(pam_handle_t *h, const char *user)
{
	const void *now = NULL;

	return pam_get_item(h, PAM_USER, &now) == PAM_SUCCESS && now != NULL &&
	    strcmp(now, user) == 0;
}

static enum p_result
run(pam_handle_t *h, const struct pam_question *q, struct buf *words_r,
    const char **step_r, int *status_r)
{
	const int flags = PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK;
	enum p_result r;

	*step_r = "authenticate";
	*status_r = pam_authenticate(h, flags);
	r = verdict(*status_r);
	/* Whatever a module calls it, a host may count it as a wrong one. */
	if (r != P_PASSED)
		return r == P_REFUSED ? P_WRONG : r;
	if (!is_same_user(h, q->user)) {
		buf_set(words_r, "PAM made another user of it");
		return P_REFUSED;
	}
	*step_r = "account";
	*status_r = pam_acct_mgmt(h, flags);
	r = verdict(*status_r);
	return r == P_WRONG ? P_REFUSED : r;
}

static enum p_result
talk(const struct pam_question *q, struct buf *words_r)
{
	struct buf said = BUF_INIT(PAM_WORDS_MAX);
	struct talk t = { .password = q->password, .words = &said };
	const struct pam_conv conv = { converse, &t };
	void (*delay)(int, unsigned, void *) = no_delay;
	pam_handle_t *h = NULL;
	const char *step = "start";
	enum p_result r = P_LATER;
	int status;

	status = pam_start_confdir(service.name, q->user, &conv, service.dir,
	    &h);
	if (status == PAM_SUCCESS && (status = pam_set_item(h, PAM_RHOST,
	    q->remote)) == PAM_SUCCESS && (status = pam_set_item(h,
	    PAM_FAIL_DELAY, *(void **)&delay)) == PAM_SUCCESS)
		r = run(h, q, words_r, &step, &status);
	if (r != P_PASSED && words_r->len == 0)
		buf_printf(words_r, "PAM (%s): %s%s%s", step,
		    pam_strerror(h, status), said.len > 0 ? ": " : "",
		    buf_str(&said));
	if (h != NULL)
		(void)pam_end(h, status);
	buf_clear(&said);
	return r;
}

enum p_result
pam_ask(const struct pam_question *q, struct buf *words_r)
{
	enum p_result r = P_LATER;

	buf_reset(words_r);
	/* A directory takes an empty one for a stranger's, who may come in. */
	if (*q->password == '\0') {
		buf_set(words_r, "an empty password");
		return P_WRONG;
	}
	set_timer(PAM_ASK_S);
	switch (host_may(q->user, group, words_r)) {
	case HOST_YES:
		r = talk(q, words_r);
		break;
	case HOST_NO:
		r = P_REFUSED;
		break;
	case HOST_LATER:
		break;
	}
	set_timer(0);
	return r;
}

int
pam_ask_check(const char *name, struct buf *why)
{
	struct pam_service s;

	if (find_service(name, &s) == 0)
		return 0;
	buf_set(why, _("pam_service: %s: %s"), name, strerror(errno));
	return -1;
}

int
pam_ask_init(const char *name, const char *members_of, struct buf *why)
{
	static const struct pam_conv conv = { converse_not, NULL };
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGALRM };
	pam_handle_t *h = NULL;
	int status;

	if (pam_ask_check(name, why) == -1)
		return -1;
	(void)find_service(name, &service);
	if (str_copy(group, sizeof(group), members_of) == -1) {
		buf_set(why, "pam_group: is too long");
		return -1;
	}
	host_warm_up();
	/* Never ended: see above. */
	status = pam_start_confdir(service.name, "nobody", &conv, service.dir,
	    &h);
	if (status != PAM_SUCCESS) {
		buf_set(why, "%s/%s: PAM: %s", service.dir, service.name,
		    pam_strerror(h, status));
		return -1;
	}
	signal(SIGALRM, give_up);
	if (timer_create(CLOCK_MONOTONIC, &e, &timer) == -1) {
		buf_set(why, "timer: %s", strerror(errno));
		return -1;
	}
	return 0;
}

#else

int
pam_ask_check(const char *name, struct buf *why)
{
	struct pam_service s;

	(void)find_service(name, &s);
	buf_set(why, _("auth_pam_workers: this build has no PAM (configure "
	    "--with-pam)"));
	return -1;
}

int
pam_ask_init(const char *name, const char *members_of, struct buf *why)
{
	return pam_ask_check(name, why);
}

enum p_result
pam_ask(const struct pam_question *q, struct buf *words_r)
{
	return P_LATER;
}

#endif
