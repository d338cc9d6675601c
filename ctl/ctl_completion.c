#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

/* The rows that have first as their first word; all first words with NULL. */
static void
print_words(const char *first)
{
	const struct command *cmd;
	const char *last = "", *space;
	size_t n, k = first == NULL ? 0 : strlen(first);

	for (cmd = commands; cmd->name != NULL; cmd++) {
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

static void
print_options(const struct command *cmd)
{
	const struct option_row *o = cmd->options;

	printf("\t\"%s\") opts=\"--help%s", cmd->name,
	    cmd->lists ? " --json" : "");
	for (; o != NULL && o->name != NULL; o++)
		printf(" %s", o->name);
	printf("\" ;;\n");
}

static void
print_groups(void)
{
	const struct command *cmd;
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
		print_words(first);
		printf("\" ;;\n");
	}
}

static void
print_script(void)
{
	const struct command *cmd;

	printf("# bash completion for rohrpost, made from its command table\n"
	    "_rohrpost()\n{\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} i=1 first subs= opts= name\n"
	    "\t[ \"${COMP_WORDS[1]}\" = -c ] && i=3\n"
	    "\tCOMPREPLY=()\n"
	    "\tif [ \"${COMP_WORDS[COMP_CWORD - 1]}\" = -c ]; then\n"
	    "\t\tCOMPREPLY=($(compgen -d -- \"$cur\"))\n\t\treturn\n\tfi\n"
	    "\tif [ \"$COMP_CWORD\" -eq \"$i\" ]; then\n"
	    "\t\tCOMPREPLY=($(compgen -W \"-c --help --version");
	print_words(NULL);
	printf("\" -- \"$cur\"))\n\t\treturn\n\tfi\n"
	    "\tfirst=${COMP_WORDS[i]}\n\tcase $first in\n");
	print_groups();
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
	    "\t*) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
	    "\tesac\n}\ncomplete -F _rohrpost rohrpost\n");
}

int
cmd_completion(struct ctl *c)
{
	if (strcmp(c->args[0], "bash") != 0)
		return ctl_fail(CTL_REFUSED, "%s: only bash is known",
		    c->args[0]);
	print_script();
	return CTL_DONE;
}
