/*
 * sieve: the scripts that sort an account's mail (lib/sieve/sieve.h), kept by
 * the running store. What a script is is judged before it is kept, in a child
 * that has given root up: the text may be a user's.
 */
#include "config.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/box_open.h"
#include "ctl/cmd_sieve.h"
#include "ctl/commands.h"
#include "ctl/ctl_door.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"
#include "lib/sieve/sieve.h"

/* What is put without a name. */
static const char main_name[] = "main";

enum { MESSAGE_MAX = 64 << 20 };	/* octets of a message to test */

/* Appends a file, or what comes in. 0; CTL_REFUSED, said. */
static int
slurp(const char *path, struct buf *out)
{
	int fd, r;

	if (path == NULL || strcmp(path, "-") == 0) {
		if (fd_read_rest(STDIN_FILENO, out) == 0)
			return 0;
		return ctl_fail(CTL_REFUSED, "%s", strerror(errno));
	}
	fd = fd_open_file(AT_FDCWD, path, 0);
	r = fd == -1 ? -1 : fd_slurp(fd, out);
	if (r == -1)
		ctl_fail(CTL_REFUSED, "%s: %s", path, strerror(errno));
	fd_close(&fd);
	return r == -1 ? CTL_REFUSED : 0;
}

/* Without root: the exit status of run(arg), in a child. */
static int
apart(int (*run)(void *arg), void *arg)
{
	struct buf why = BUF_INIT(600);
	int status;
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) == -1)
		return ctl_fail(CTL_LATER, "fork: %s", strerror(errno));
	if (pid == 0) {
		status = box_drop(&why) == -1 ? ctl_say(CTL_REFUSED, &why) :
		    run(arg);
		_exit(fflush(stdout) == 0 ? status : CTL_REFUSED);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return CTL_LATER;
	return WIFEXITED(status) ? WEXITSTATUS(status) : CTL_LATER;
}

struct judged {
	const char *what;
	const struct buf *text;
};

static int
judge(void *arg)
{
	const struct judged *j = arg;
	struct buf why = BUF_INIT(600);
	struct sieve_script *s = sieve_compile(buf_str(j->text), j->text->len,
	    &why);
	int r = CTL_DONE;

	if (s == NULL)
		r = ctl_fail(CTL_REFUSED, "%s: %s", j->what, buf_str(&why));
	sieve_free(&s);
	buf_clear(&why);
	return r;
}

int
sieve_judge(const char *what, const struct buf *text)
{
	struct judged j = { what, text };

	return apart(judge, &j);
}

int
cmd_sieve_put(struct ctl *c)
{
	const char *name = c->n_args > 1 ? c->args[1] : main_name;
	const char *path = c->opt[0];
	struct buf text = BUF_INIT(DOOR_SCRIPT_MAX);
	struct door d;
	int r;

	if ((r = slurp(path, &text)) == CTL_DONE &&
	    (r = sieve_judge(path != NULL ? path : name, &text)) ==
	    CTL_DONE && (r = door_named(c, c->args[0], &d, NULL)) ==
	    CTL_DONE) {
		if (door_script_put(&d, name, buf_str(&text), text.len,
		    c->n_args == 1) == -1)
			r = door_said(&d, name);
		door_clear(&d);
	}
	buf_clear(&text);
	return r;
}

int
cmd_sieve_list(struct ctl *c)
{
	static const char *const columns[] = { "name", "active" };
	struct buf names = BUF_INIT(0);
	const char *p, *active;
	size_t i, len, active_len;
	struct cursor at;
	struct door d;
	struct out o;
	int r;

	if ((r = door_named(c, c->args[0], &d, NULL)) != CTL_DONE)
		return r;
	if (door_script_list(&d, &names) == -1) {
		r = door_said(&d, c->args[0]);
	} else {
		out_init(&o, stdout, c->json);
		for (i = 0; i < 2; i++)
			out_name(&o, columns[i], strlen(columns[i]));
		cursor_init(&at, buf_str(&names), names.len);
		active = cursor_lv(&at, &active_len, DOOR_SCRIPT_NAME);
		while (cursor_left(&at) > 0 && (p = cursor_lv(&at, &len,
		    DOOR_SCRIPT_NAME)) != NULL) {
			out_value(&o, C_TEXT, p, len);
			out_bool(&o, len == active_len &&
			    memcmp(p, active, len) == 0);
		}
		r = out_end(&o) == -1 ? CTL_REFUSED : CTL_DONE;
	}
	door_clear(&d);
	buf_clear(&names);
	return r;
}

/* The active script's name into name: 0; or another exit status, said. */
static int
active_of(struct door *d, const char *account, char name[DOOR_SCRIPT_NAME + 1])
{
	struct buf names = BUF_INIT(0);
	struct cursor at;
	const char *p;
	size_t len = 0;
	int r = CTL_DONE;

	if (door_script_list(d, &names) == -1) {
		buf_clear(&names);
		return door_said(d, account);
	}
	cursor_init(&at, buf_str(&names), names.len);
	p = cursor_lv(&at, &len, DOOR_SCRIPT_NAME);
	if (p == NULL || len == 0)
		r = ctl_fail(CTL_REFUSED, _("%s: no script is active"),
		    account);
	else {
		memcpy(name, p, len);
		name[len] = '\0';
	}
	buf_clear(&names);
	return r;
}

/* Of that name, or NULL: the active one. 0; or another exit status, said. */
static int
fetch(struct ctl *c, struct door *d, const char *name, struct buf *text)
{
	char active[DOOR_SCRIPT_NAME + 1];
	int r = CTL_DONE;

	if (name == NULL && (r = active_of(d, c->args[0], active)) == CTL_DONE)
		name = active;
	if (r == CTL_DONE && door_script_get(d, name, text) == -1)
		r = door_said(d, name);
	return r;
}

int
cmd_sieve_get(struct ctl *c)
{
	struct buf text = BUF_INIT(0);
	struct door d;
	int r;

	if ((r = door_named(c, c->args[0], &d, NULL)) != CTL_DONE)
		return r;
	r = fetch(c, &d, c->n_args > 1 ? c->args[1] : NULL, &text);
	door_clear(&d);
	if (r == CTL_DONE && fd_write_all(STDOUT_FILENO, buf_str(&text),
	    text.len) == -1)
		r = ctl_fail(CTL_REFUSED, "%s", strerror(errno));
	buf_clear(&text);
	return r;
}

static int
by_name(struct ctl *c, int (*call)(struct door *, const char *),
    const char *name)
{
	struct door d;
	int r;

	if ((r = door_named(c, c->args[0], &d, NULL)) != CTL_DONE)
		return r;
	if (call(&d, name) == -1)
		r = door_said(&d, name[0] != '\0' ? name : c->args[0]);
	door_clear(&d);
	return r;
}

int
cmd_sieve_activate(struct ctl *c)
{
	return by_name(c, door_script_activate, c->n_args > 1 ? c->args[1] :
	    "");
}

int
cmd_sieve_del(struct ctl *c)
{
	return by_name(c, door_script_delete, c->args[1]);
}

/* test */

struct trying {
	struct ctl *c;
	const char *what, *to;
	struct buf script, message;
	struct door_mailbox *list;	/* mailboxes; NULL: not known */
	size_t	 n;
};

static int
is_there(void *arg, const char *name)
{
	const struct trying *t = arg;
	size_t i;

	for (i = 0; i < t->n; i++)
		if (!(t->list[i].attrs & ATTR_NOSELECT) &&
		    strcmp(t->list[i].name, name) == 0)
			return 1;
	return 0;
}

static void
put_action(struct out *o, const char *action, const char *target, int make,
    const char *flags)
{
	struct buf list = BUF_INIT(0);
	size_t n;

	out_text(o, action);
	if (target != NULL)
		out_text(o, target);
	else
		out_null(o);
	while (flags != NULL && *flags != '\0') {
		n = strcspn(flags, " ");
		buf_put_lv(&list, flags, n);
		flags += n + (flags[n] == ' ');
	}
	out_texts(o, &list);
	out_bool(o, make);
	buf_clear(&list);
}

static int
print_result(const struct trying *t, const struct sieve_result *r)
{
	static const char *const columns[] = { "action", "target", "flags",
		"create" };
	const struct sieve_action *a;
	struct out o;
	size_t i;

	out_init(&o, stdout, t->c->json);
	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		out_name(&o, columns[i], strlen(columns[i]));
	for (i = 0; i < r->n; i++) {
		a = &r->action[i];
		put_action(&o, a->kind == SIEVE_FILE ? "fileinto" :
		    "redirect", a->to, a->make, a->flags);
	}
	if (r->keep)
		put_action(&o, "keep", NULL, 0, r->keep_flags);
	else if (r->n == 0)
		put_action(&o, "discard", NULL, 0, NULL);
	return out_end(&o) == -1 ? CTL_REFUSED : CTL_DONE;
}

static int
try_script(void *arg)
{
	const struct trying *t = arg;
	const char *from = t->c->opt[OPT_SIEVE_FROM];
	struct sieve_message m = { .data = buf_str(&t->message),
		.len = t->message.len, .size = t->message.len,
		.from = from != NULL ? from : "", .to = t->to,
		.separator = '+', .mailbox = is_there,
		.arg = (void *)(uintptr_t)t };
	struct buf why = BUF_INIT(600);
	struct sieve_script *s = sieve_compile(buf_str(&t->script),
	    t->script.len, &why);
	struct sieve_result r;
	int status = CTL_REFUSED;

	if (s == NULL)
		return ctl_fail(CTL_REFUSED, "%s: %s", t->what, buf_str(&why));
	sieve_result_init(&r);
	if (sieve_run(s, &m, &r, &why) == -1)
		ctl_fail(CTL_REFUSED, "%s: %s", t->what, buf_str(&why));
	else
		status = CTL_DONE;
	if (print_result(t, &r) != CTL_DONE)
		status = CTL_REFUSED;
	sieve_result_clear(&r);
	sieve_free(&s);
	buf_clear(&why);
	return status;
}

/* The script and the mailboxes of the account. With --file and no store there
   are none, and that is all the same to most scripts. */
static int
gather(struct trying *t)
{
	const char *path = t->c->opt[OPT_SIEVE_FILE];
	struct door d;
	int r;

	if (path != NULL)
		return slurp(path, &t->script);
	if ((r = door_named(t->c, t->c->args[0], &d, NULL)) != CTL_DONE)
		return r;
	r = fetch(t->c, &d, t->c->n_args > 2 ? t->c->args[2] : NULL,
	    &t->script);
	if (r == CTL_DONE && door_list(&d, &t->list, &t->n) == -1)
		r = door_said(&d, t->c->args[0]);
	door_clear(&d);
	return r;
}

int
cmd_sieve_test(struct ctl *c)
{
	struct trying t = { .c = c, .what = c->opt[OPT_SIEVE_FILE],
		.to = c->args[0], .script = BUF_INIT(DOOR_SCRIPT_MAX),
		.message = BUF_INIT(MESSAGE_MAX) };
	int r;

	if (t.what == NULL)
		t.what = c->n_args > 2 ? c->args[2] : "sieve";
	if ((r = slurp(c->args[1], &t.message)) == CTL_DONE &&
	    (r = gather(&t)) == CTL_DONE)
		r = apart(try_script, &t);
	if (t.list != NULL)
		door_list_free(&t.list, t.n);
	buf_clear(&t.script);
	buf_clear(&t.message);
	return r;
}

/* Puts it where deliver finds it, or takes it away from there. 0, or -1. */
static int
before_place(const char *dir, const struct buf *text, int there)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r, e;

	if (fd == -1)
		return -1;
	if (there)
		r = fd_replace(fd, SIEVE_BEFORE, 0644, buf_str(text),
		    text->len);
	else if ((r = unlinkat(fd, SIEVE_BEFORE, 0)) == -1 && errno == ENOENT)
		r = 0;
	e = errno;
	fd_close(&fd);
	errno = e;
	return r;
}

int
sieve_before(struct ctl *c, int apply)
{
	struct buf text = BUF_INIT(DOOR_SCRIPT_MAX), path = BUF_INIT(0);
	int fd, r = CTL_DONE, there;

	buf_set(&path, "%s/%s", c->dir, SIEVE_BEFORE);
	fd = fd_open_file(AT_FDCWD, buf_str(&path), 0);
	there = fd != -1 || errno != ENOENT;
	if (there && (fd == -1 || fd_slurp(fd, &text) == -1))
		r = ctl_fail(CTL_REFUSED, "%s: %s", buf_str(&path),
		    strerror(errno));
	fd_close(&fd);
	if (r == CTL_DONE && there && !apply)
		r = sieve_judge(buf_str(&path), &text);
	buf_set(&path, "%s/jail", c->state_dir);
	if (r == CTL_DONE && apply && before_place(buf_str(&path), &text,
	    there) == -1)
		r = ctl_fail(CTL_REFUSED, "%s/%s: %s", buf_str(&path),
		    SIEVE_BEFORE, strerror(errno));
	buf_clear(&text);
	buf_clear(&path);
	return r;
}
