#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/admin_ask.h"
#include "ctl/ctl_admin.h"
#include "ctl/ctl_audit.h"
#include "ctl/ctl_command.h"
#include "ctl/ctl_util.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"

/* Where the words of argv match a row's name: their number, else 0. */
static int
name_words(const struct ctl_command *cmd, int argc, char **argv)
{
	const char *p = cmd->name;
	size_t n;
	int i;

	for (i = 0; *p != '\0'; i++) {
		n = strcspn(p, " ");
		if (i == argc || strlen(argv[i]) != n ||
		    strncmp(argv[i], p, n) != 0)
			return 0;
		p += n;
		p += *p == ' ';
	}
	return i;
}

static void
print_command(FILE *f, const struct ctl_command *cmd)
{
	const struct option_row *o = cmd->options;
	char head[200];

	snprintf(head, sizeof(head), "%s%s%s%s", cmd->name,
	    cmd->args[0] != '\0' ? " " : "", cmd->args,
	    cmd->lists ? " [--json]" : "");
	fprintf(f, "  %-38s %s\n", head, _(cmd->help));
	for (; o != NULL && o->name != NULL; o++) {
		snprintf(head, sizeof(head), "%s%s%s%s%s", o->name,
		    o->value != NULL ? " " : "",
		    o->value != NULL ? o->value : "",
		    o->brief != NULL ? ", " : "",
		    o->brief != NULL ? o->brief : "");
		fprintf(f, "      %-34s %s\n", head, _(o->help));
	}
}

/* All commands, or those that start with the word. 0 if there is none. */
static int
print_help(FILE *f, const struct ctl_command *cmd, const char *word)
{
	size_t n = word == NULL ? 0 : strlen(word);
	int found = 0;

	for (; cmd->name != NULL; cmd++) {
		if (n != 0 && (strncmp(cmd->name, word, n) != 0 ||
		    (cmd->name[n] != ' ' && cmd->name[n] != '\0')))
			continue;
		if (!found)
			fputs(_("usage: rohrpost [-c DIR] COMMAND\n"
			    "commands:\n"), f);
		print_command(f, cmd);
		found = 1;
	}
	return found;
}

static const struct ctl_command *
find_command(const struct ctl_command *cmd, int argc, char **argv,
    int *words_r)
{
	for (; cmd->name != NULL; cmd++) {
		*words_r = name_words(cmd, argc, argv);
		if (*words_r > 0)
			return cmd;
	}
	return NULL;
}

/* Takes one option at argv[0]. How many words it took, or 0 (said). */
static int
take_option(struct ctl *c, const struct ctl_command *cmd, int argc, char **argv)
{
	const struct option_row *o = cmd->options;
	const char *eq = strchr(argv[0], '=');
	size_t n = eq == NULL ? strlen(argv[0]) : (size_t)(eq - argv[0]);
	int i;

	if (cmd->lists && strcmp(argv[0], "--json") == 0) {
		c->json = 1;
		words_utf8();
		return 1;
	}
	for (i = 0; o != NULL && o[i].name != NULL; i++) {
		if (!(strlen(o[i].name) == n &&
		    strncmp(o[i].name, argv[0], n) == 0) &&
		    !(o[i].brief != NULL && strcmp(o[i].brief, argv[0]) == 0))
			continue;
		if (o[i].value == NULL && eq == NULL) {
			c->opt[o[i].slot] = "";
			return 1;
		}
		if (o[i].value != NULL && (eq != NULL || argc > 1)) {
			c->opt[o[i].slot] = eq != NULL ? eq + 1 : argv[1];
			return eq != NULL ? 1 : 2;
		}
		ctl_fail(0, o[i].value == NULL ? _("%s: takes no value") :
		    _("%s: needs a value"), o[i].name);
		return 0;
	}
	ctl_fail(0, _("%s: no option of \"%s\""), argv[0], cmd->name);
	return 0;
}

/* Here, or, for who administers a domain, by the suite. */
static int
perform(struct ctl *c, const struct ctl_command *cmd, int argc, char **argv)
{
	int r;

	if (c->admin == NULL && (r = admin_ask(c, cmd, argc, argv)) !=
	    ADMIN_ASK_NOT)
		return r;
	/* state_dir: what is refused has its line in the audit log, too. */
	if (c->admin != NULL && ctl_load(c) == -1)
		return CTL_REFUSED;
	r = c->admin == NULL ? CTL_DONE : admin_check(c, cmd);
	if (r == CTL_DONE)
		r = cmd->run(c);
	if (cmd->changes && !c->unchanged)
		audit_command(c, cmd, r);
	return r;
}

static int
run(struct ctl *c, const struct ctl_command *cmd, int argc, char **argv)
{
	int i, n, only_args = 0;

	for (i = 0; i < argc; i += n) {
		n = 1;
		if (!only_args && strcmp(argv[i], "--") == 0) {
			only_args = 1;
		} else if (!only_args && strcmp(argv[i], "--help") == 0) {
			print_help(stdout, c->commands, cmd->name);
			return CTL_DONE;
		} else if (!only_args && argv[i][0] == '-' &&
		    argv[i][1] != '\0') {
			n = take_option(c, cmd, argc - i, argv + i);
			if (n == 0)
				return CTL_USAGE;
		} else {
			c->args[c->n_args++] = argv[i];
		}
	}
	if (c->n_args >= cmd->min_args && c->n_args <= cmd->max_args)
		return perform(c, cmd, argc, argv);
	return ctl_fail(CTL_USAGE, _("usage: rohrpost %s%s%s"), cmd->name,
	    cmd->args[0] != '\0' ? " " : "", cmd->args);
}

static int
unknown(const struct ctl_command *commands, int argc, char **argv)
{
	if (argc == 0)
		return ctl_fail(CTL_USAGE, _("a command is missing "
		    "(rohrpost --help)"));
	if (argc == 1 && print_help(stderr, commands, argv[0]))
		return CTL_USAGE;
	return ctl_fail(CTL_USAGE, _("%s%s%s: no such command "
	    "(rohrpost --help)"),
	    argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
}

/* Programs of ours have another current folder than the caller. */
static const char *
absolute(const char *dir)
{
	struct buf b = BUF_INIT(0);
	char *cwd = dir[0] == '/' ? NULL : getcwd(NULL, 0);

	if (cwd == NULL)
		return dir;
	buf_printf(&b, "%s/%s", cwd, dir);
	free(cwd);
	return b.data;	/* for the life of the process */
}

int
ctl_run(struct ctl *c, int argc, char **argv)
{
	const struct ctl_command *cmd;
	int words, r;

	cmd = find_command(c->commands, argc, argv, &words);
	if (cmd == NULL)
		return unknown(c->commands, argc, argv);
	c->args = mem_zalloc((size_t)argc + 1, sizeof(*c->args));
	r = run(c, cmd, argc - words, argv + words);
	free(c->args);
	return r;
}

int
ctl_main(const struct ctl_command *commands, int argc, char **argv)
{
	struct ctl c = { .commands = commands, .dir = SYSCONFDIR };
	int i, words;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "-c") == 0 && i + 1 < argc)
			c.dir = absolute(argv[++i]);
		else if (strcmp(argv[i], "--help") == 0)
			return print_help(stdout, commands, NULL) ? CTL_DONE :
			    1;
		else if (strcmp(argv[i], "--version") == 0 ||
		    strcmp(argv[i], "-V") == 0)
			return printf("%s %s\n", PACKAGE_NAME,
			    PACKAGE_VERSION) < 0;
		else
			return ctl_fail(CTL_USAGE, _("%s: no such option "
			    "(rohrpost --help)"), argv[i]);
	}
	argc -= i;
	argv += i;
	if (argc > 1 && strcmp(argv[argc - 1], "--help") == 0 &&
	    find_command(commands, argc, argv, &words) == NULL &&
	    print_help(stdout, commands, argv[0]))
		return CTL_DONE;
	return ctl_run(&c, argc, argv);
}
