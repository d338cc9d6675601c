/*
 * trace: follows a message through the log. One pass collects the queue ids
 * of the lines that speak of what was asked for; the next adds those that
 * stand in a line with one of them (a bounce names what it is about); the last
 * prints every line about one of them, oldest file first. What smtpd refused
 * has no queue id: of an address, lines that name none are printed too. A
 * Message-ID is looked for like an address; queue logs it with the queue id.
 *
 * Bounds: TRACE_FILES files, TRACE_IDS messages; what is passed over is said.
 */
#include "config.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/commands.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/queue_id.h"
#include "lib/mail/reply_kind.h"

enum { TRACE_FILES = 1000, TRACE_IDS = 100000 };

struct log_file {
	char	*path;
	struct timespec changed;
};

struct trace {
	struct log_file files[TRACE_FILES];
	size_t	 n_files;
	const char *what;
	int	 is_id;
	void	*ids;		/* texts: tsearch(3) */
	size_t	 n_ids;
	size_t	 printed;
	int	 more;		/* messages over TRACE_IDS */
	struct out out;
};

typedef void	line_fn(struct trace *, const char *line);

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int
older(const void *a, const void *b)
{
	const struct log_file *x = a, *y = b;

	if (x->changed.tv_sec != y->changed.tv_sec)
		return x->changed.tv_sec < y->changed.tv_sec ? -1 : 1;
	if (x->changed.tv_nsec != y->changed.tv_nsec)
		return x->changed.tv_nsec < y->changed.tv_nsec ? -1 : 1;
	return strcmp(y->path, x->path);
}

/* rohrpost.log and what it was rotated to; compressed files are left out. */
static int
find_files(struct trace *t, const char *state_dir)
{
	struct buf path = BUF_INIT(0);
	struct dirent *e;
	struct stat st;
	size_t n;
	DIR *d;

	buf_printf(&path, "%s/log", state_dir);
	d = opendir(buf_str(&path));
	if (d == NULL) {
		ctl_fail(0, "%s: %s", buf_str(&path), strerror(errno));
		buf_clear(&path);
		return -1;
	}
	while (t->n_files < TRACE_FILES && (e = readdir(d)) != NULL) {
		n = strlen(e->d_name);
		if (strncmp(e->d_name, "rohrpost.log", 12) != 0 ||
		    (n > 3 && strcmp(e->d_name + n - 3, ".gz") == 0) ||
		    fstatat(dirfd(d), e->d_name, &st, 0) == -1 ||
		    !S_ISREG(st.st_mode))
			continue;
		buf_reset(&path);
		buf_printf(&path, "%s/log/%s", state_dir, e->d_name);
		t->files[t->n_files].path = mem_strdup(buf_str(&path));
		t->files[t->n_files++].changed = st.st_mtim;
	}
	closedir(d);
	buf_clear(&path);
	qsort(t->files, t->n_files, sizeof(t->files[0]), older);
	return 0;
}

static int
each_line(struct trace *t, line_fn *f)
{
	char *line = NULL;
	size_t cap = 0, i;
	ssize_t n;
	FILE *in;
	int r = 0;

	for (i = 0; i < t->n_files; i++) {
		in = fopen(t->files[i].path, "re");
		if (in == NULL) {
			r = ctl_fail(-1, "%s: %s", t->files[i].path,
			    strerror(errno));
			continue;
		}
		while ((n = getline(&line, &cap, in)) > 0) {
			if (line[n - 1] == '\n')
				line[n - 1] = '\0';
			f(t, line);
		}
		fclose(in);
	}
	free(line);
	return r;
}

/* The next queue id in *p, which then points after it; 0 at the end. */
static int
next_id(const char **p, char id[QUEUE_ID_LEN + 1])
{
	static const char hex[] = "0123456789abcdef";
	size_t n;

	while (**p != '\0') {
		n = strspn(*p, hex);
		if (n == QUEUE_ID_LEN) {
			memcpy(id, *p, QUEUE_ID_LEN);
			id[QUEUE_ID_LEN] = '\0';
			*p += n;
			return 1;
		}
		/* A word with other letters is not an id: skip all of it. */
		*p += n;
		*p += strspn(*p, "ghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
		    "WXYZ_-0123456789abcdef");
		if (**p != '\0')
			(*p)++;
	}
	return 0;
}

static void
add_id(struct trace *t, const char *id)
{
	char *copy;

	if (tfind(id, &t->ids, compare) != NULL)
		return;
	if (t->n_ids == TRACE_IDS) {
		t->more = 1;
		return;
	}
	copy = mem_strdup(id);
	if (tsearch(copy, &t->ids, compare) != NULL)
		t->n_ids++;
}

static int
is_address_octet(char ch)
{
	return ch != '\0' && (strchr("!#$%&'*+-/=?^_`{|}~.", ch) != NULL ||
	    (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') ||
	    (ch >= 'A' && ch <= 'Z'));
}

/* What follows the address at p, its local part with or without +tag. */
static const char *
behind_address(const char *p, const char *what)
{
	size_t local = strcspn(what, "@");

	if (str_ncasecmp(p, what, local) != 0)
		return NULL;
	p += local;
	if (what[local] == '@' && *p == '+')
		while (is_address_octet(*p))
			p++;
	if (str_ncasecmp(p, what + local, strlen(what + local)) != 0)
		return NULL;
	return p + strlen(what + local);
}

/* The address as a whole word, without regard to case. */
static int
speaks_of(const char *line, const char *what)
{
	const char *p, *end;

	for (p = line; *p != '\0'; p++) {
		end = p == line || !is_address_octet(p[-1]) ?
		    behind_address(p, what) : NULL;
		if (end != NULL && !is_address_octet(*end))
			return 1;
	}
	return 0;
}

static void
collect(struct trace *t, const char *line)
{
	char id[QUEUE_ID_LEN + 1];
	int found = 0;

	if (t->is_id)
		found = strstr(line, t->what) != NULL;
	else
		found = speaks_of(line, t->what);
	while (found && next_id(&line, id))
		add_id(t, id);
}

/* As it stands in the log; for a machine seconds with their thousandths. */
static void
print_time(struct out *o, const char *p, size_t len)
{
	struct buf b = BUF_INIT(40);
	struct tm tm = { .tm_isdst = 0 };
	const char *end = NULL;

	if (o->json)
		end = strptime(p, "%Y-%m-%dT%H:%M:%S", &tm);
	if (end != NULL && end < p + len && p[len - 1] == 'Z') {
		buf_printf(&b, "%lld%.*s", (long long)timegm(&tm),
		    (int)(p + len - 1 - end), end);
		out_value(o, C_TIME, b.data, b.len);
	} else {
		out_value(o, C_TEXT, p, len);
	}
	buf_clear(&b);
}

static void
print_program(struct out *o, const char *p, size_t len)
{
	size_t n = strcspn(p, "[ ");

	out_value(o, C_TEXT, p, n);
	if (n + 2 < len && p[len - 1] == ']')
		out_value(o, C_NUMBER, p + n + 1, len - n - 2);
	else
		out_null(o);
}

static void
print_word(struct out *o, const char *p, size_t len)
{
	out_value(o, C_TEXT, p, len);
}

/*
 * The result of a recipient, "ID: to=<...> deferred after 1s by HOST, CLASS:
 * WORDS", has the words last; older lines have them without their class. They
 * are judged here, so that those have one as well.
 */
static void
print_class(struct out *o, const char *text)
{
	const char *p = strstr(text, ": to=<"), *name = NULL;

	p = p == NULL ? NULL : strstr(p, " after ");
	for (; p != NULL && name == NULL; p = strstr(p + 1, ": "))
		name = reply_kind_name(reply_kind(p + 2));
	if (name != NULL)
		out_text(o, name);
	else
		out_null(o);
}

/* "TIME PROGRAM[PID] LEVEL text" (master/logger_line.c) */
static void
print_line(struct trace *t, const char *line)
{
	static void (*const words[])(struct out *, const char *, size_t) = {
		print_time, print_program, print_word,
	};
	size_t n, i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		n = strcspn(line, " ");
		words[i](&t->out, line, n);
		line += n;
		line += *line == ' ';
	}
	/* A line for people says it itself. */
	if (t->out.json)
		print_class(&t->out, line);
	out_text(&t->out, line);
	t->printed++;
}

static int
is_known(struct trace *t, const char *line)
{
	char id[QUEUE_ID_LEN + 1];

	while (next_id(&line, id)) {
		if (tfind(id, &t->ids, compare) != NULL)
			return 1;
	}
	return 0;
}

static void
relate(struct trace *t, const char *line)
{
	char id[QUEUE_ID_LEN + 1];

	if (!is_known(t, line))
		return;
	while (next_id(&line, id))
		add_id(t, id);
}

static void
print(struct trace *t, const char *line)
{
	const char *p = line;
	char id[QUEUE_ID_LEN + 1];

	if (is_known(t, line) || (!t->is_id && speaks_of(line, t->what) &&
	    strstr(line, " refused") != NULL && next_id(&p, id) == 0))
		print_line(t, line);
}

/* Without the brackets of an address or a Message-ID. */
static char *
bare(const char *what)
{
	size_t n = strlen(what);

	if (n > 2 && what[0] == '<' && what[n - 1] == '>')
		return mem_strndup(what + 1, n - 2);
	return mem_strdup(what);
}

int
cmd_trace(struct ctl *c)
{
	struct trace *t = mem_zalloc(1, sizeof(*t));
	size_t i;
	char *what = NULL;
	int r = CTL_REFUSED;

	if (ctl_load(c) == -1 || find_files(t, c->state_dir) == -1)
		goto done;
	t->what = what = bare(c->args[0]);
	t->is_id = queue_id_parse(t->what, strlen(t->what), NULL) == 0;
	if (each_line(t, collect) == -1 || each_line(t, relate) == -1)
		goto done;
	out_init(&t->out, stdout, c->json);
	out_name(&t->out, "time", 4);
	out_name(&t->out, "program", 7);
	out_name(&t->out, "pid", 3);
	out_name(&t->out, "level", 5);
	if (c->json)
		out_name(&t->out, "class", 5);
	out_name(&t->out, "text", 4);
	r = each_line(t, print) == -1 ? CTL_REFUSED : CTL_DONE;
	if (out_end(&t->out) == -1)
		r = CTL_REFUSED;
	else if (t->printed == 0)
		r = ctl_fail(CTL_REFUSED, _("%s: nothing in the log"),
		    t->what);
	else if (t->more)
		r = ctl_fail(CTL_REFUSED, _("more than %d messages: the list "
		    "is not whole"), TRACE_IDS);
done:
	free(what);
	tdestroy(t->ids, free);
	for (i = 0; i < t->n_files; i++)
		free(t->files[i].path);
	free(t);
	return r;
}
