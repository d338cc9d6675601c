#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/ctl_util.h"

/* The rows that have first as their first word; all first words with NULL. */
static void
print_words(const struct ctl_command *cmd, const char *first)
{
	const char *last = "", *space;
	size_t n, k = first == NULL ? 0 : strlen(first);

	for (; cmd->name != NULL; cmd++) {
		space = strchr(cmd->name, ' ');
		n = space == NULL ? strlen(cmd->name) :
		    (size_t)(space - cmd->name);
		if (first != NULL && space != NULL && n == k &&
		    strncmp(cmd->name, first, k) == 0)
			printf(" %s", space + 1);
		if (first == NULL && (strlen(last) < n ||
		    strncmp(last, cmd->name, n) != 0))
			printf(" %.*s", (int)n, cmd->name);
		last = cmd->name;
	}
}

/* What the arguments of a command name: a column of a list. */
static const struct {
	const char *command, *list, *column;
} values[] = {
	{ "domain del", "domain list", "domain" },
	{ "domain set", "domain list", "domain" },
	{ "group del", "group list", "group" },
	{ "group set", "group list", "group" },
	{ "group member", "group list", "group" },
	{ "user del", "user list", "user" },
	{ "user set", "user list", "user" },
	{ "user passwd", "user list", "user" },
	{ "app add", "user list", "user" },
	{ "app del", "user list", "user" },
	{ "app list", "user list", "user" },
	{ "alias del", "alias list", "alias" },
	{ "queue show", "queue list", "id" },
	{ "queue retry", "queue list", "id" },
	{ "queue hold", "queue list", "id" },
	{ "queue release", "queue list", "id" },
	{ "queue delete", "queue list", "id" },
	{ "mailbox list", "user list", "user" },
	{ "mailbox show", "user list", "user" },
	{ "mailbox export", "user list", "user" },
	{ "mailbox import", "user list", "user" },
	{ "trace", "queue list", "id" },
	{ "store check", "user list", "user" },
	{ "store rebuild", "user list", "user" },
	{ NULL, NULL, NULL }
};

static void
print_options(const struct ctl_command *cmd)
{
	const struct option_row *o = cmd->options;
	size_t i;

	printf("\t\"%s\") opts=\"--help%s", cmd->name,
	    cmd->lists ? " --json" : "");
	for (; o != NULL && o->name != NULL; o++)
		printf(" %s", o->name);
	printf("\"");
	for (i = 0; values[i].command != NULL; i++) {
		if (strcmp(values[i].command, cmd->name) == 0)
			printf(" list=\"%s\" column=%s", values[i].list,
			    values[i].column);
	}
	printf(" ;;\n");
}

/*
 * bash takes an address for two words, split at its "@" (COMP_WORDBREAKS): it
 * is completed as a whole, and what stands there already is left out. compgen
 * expands its words as the shell does: names with more than the usual octets
 * never get there.
 */
static void
print_values(void)
{
	printf("# The column $3 of the list $2 that begins like the word $1.\n"
	    "_rohrpost_values()\n{\n"
	    "\tlocal all word=${COMP_LINE:0:${COMP_POINT:-0}} list=$2 "
	    "column=$3\n"
	    "\tword=${word##*[[:space:]]}\n"
	    "\t[ -n \"$COMP_LINE\" ] || word=$1\n"
	    "\tshift 3\n"
	    "\tall=$(\"$@\" $list --json 2>/dev/null | tr ',' '\\n' |\n"
	    "\t    sed -n 's/.*\"'$column'\": *\"\\([A-Za-z0-9@._+=-]*\\)\".*/"
	    "\\1/p')\n"
	    "\tCOMPREPLY=($(compgen -W \"$all\" -- \"$word\"))\n"
	    "\tcase $COMP_WORDBREAKS in\n"
	    "\t*@*) word=${word%%\"${word##*@}\"}\n"
	    "\t\tCOMPREPLY=(\"${COMPREPLY[@]#\"$word\"}\") ;;\n"
	    "\tesac\n}\n");
}

static void
print_groups(const struct ctl_command *commands)
{
	const struct ctl_command *cmd;
	const char *space, *last = "";
	char first[32];

	for (cmd = commands; cmd->name != NULL; cmd++) {
		space = strchr(cmd->name, ' ');
		if (space == NULL)
			continue;
		snprintf(first, sizeof(first), "%.*s",
		    (int)(space - cmd->name), cmd->name);
		if (strncmp(last, first, strlen(first)) == 0)
			continue;
		last = cmd->name;
		printf("\t%s) subs=\"", first);
		print_words(commands, first);
		printf("\" ;;\n");
	}
}

static void
print_script(const struct ctl_command *commands)
{
	const struct ctl_command *cmd;

	printf("# bash completion for rohrpost, made from its command table\n");
	print_values();
	printf("_rohrpost()\n{\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} i=1 first subs= opts= name\n"
	    "\tlocal list= column=\n"
	    "\t[ \"${COMP_WORDS[1]}\" = -c ] && i=3\n"
	    "\tCOMPREPLY=()\n"
	    "\tif [ \"${COMP_WORDS[COMP_CWORD - 1]}\" = -c ]; then\n"
	    "\t\tCOMPREPLY=($(compgen -d -- \"$cur\"))\n\t\treturn\n\tfi\n"
	    "\tif [ \"$COMP_CWORD\" -eq \"$i\" ]; then\n"
	    "\t\tCOMPREPLY=($(compgen -W \"-c --help --version");
	print_words(commands, NULL);
	printf("\" -- \"$cur\"))\n\t\treturn\n\tfi\n"
	    "\tfirst=${COMP_WORDS[i]}\n\tcase $first in\n");
	print_groups(commands);
	printf("\tesac\n"
	    "\tif [ -n \"$subs\" ] && [ \"$COMP_CWORD\" -eq $((i + 1)) ]; "
	    "then\n"
	    "\t\tCOMPREPLY=($(compgen -W \"$subs\" -- \"$cur\"))\n"
	    "\t\treturn\n\tfi\n"
	    "\tname=$first${subs:+ ${COMP_WORDS[i + 1]}}\n"
	    "\tcase $name in\n");
	for (cmd = commands; cmd->name != NULL; cmd++)
		print_options(cmd);
	printf("\tesac\n"
	    "\tcase $cur in\n"
	    "\t-*) COMPREPLY=($(compgen -W \"$opts\" -- \"$cur\")) ;;\n"
	    "\t*) if [ -n \"$list\" ]; then\n"
	    "\t\t_rohrpost_values \"$cur\" \"$list\" $column "
	    "\"${COMP_WORDS[@]:0:i}\"\n"
	    "\telse\n"
	    "\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
	    "\tfi ;;\n"
	    "\tesac\n}\ncomplete -F _rohrpost rohrpost\n");
}

int
cmd_completion(struct ctl *c)
{
	if (strcmp(c->args[0], "bash") != 0)
		return ctl_fail(CTL_REFUSED, "%s: only bash is known",
		    c->args[0]);
	print_script(c->commands);
	return CTL_DONE;
}
