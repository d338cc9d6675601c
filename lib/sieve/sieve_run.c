/*
 * Commands (RFC 5228 3, 4, and those of extensions). Nothing is done while a
 * script runs: what it decides is put down, and an error undoes it whole, but
 * for the keep (2.10.6).
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/address.h"
#include "lib/mail/mailbox_name.h"
#include "lib/sieve/sieve_vm.h"

void
sieve_result_init(struct sieve_result *r)
{
	*r = (struct sieve_result){ .keep = 1 };
}

void
sieve_result_clear(struct sieve_result *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		free(r->action[i].to);
		free(r->action[i].flags);
	}
	free(r->keep_flags);
	sieve_result_init(r);
}

static int
bad_octets(struct sieve_vm *vm, const struct sieve_view *v)
{
	return memchr(v->p, '\0', v->len) == NULL ? 0 :
	    sieve_fail(vm, "%s", _("a NUL octet"));
}

/* What :flags says, or the internal variable. NULL: none. */
static int
flags_of(struct sieve_vm *vm, const struct sieve_node *n, char **r)
{
	struct buf b = BUF_INIT(0);
	struct sieve_view v;
	size_t i;

	if (!n->has_flags)
		buf_append(&b, buf_str(&vm->flags), vm->flags.len);
	for (i = 0; n->has_flags && i < n->flags.n; i++)
		if (sieve_expand(vm, &n->flags.s[i], &v) == -1 ||
		    sieve_flags_add(vm, &b, v.p, v.len) == -1) {
			buf_clear(&b);
			return -1;
		}
	*r = b.len > 0 ? mem_strdup(buf_str(&b)) : NULL;
	buf_clear(&b);
	return 0;
}

/* Takes flags over. */
static void
keep(struct sieve_vm *vm, char *flags)
{
	vm->r->keep = 1;
	vm->implicit = 0;
	free(vm->r->keep_flags);
	vm->r->keep_flags = flags;
}

/* The action; one of its kind and place that is there already. NULL: there is
   no room, why says it. */
static struct sieve_action *
action_of(struct sieve_vm *vm, enum sieve_kind kind, const char *to)
{
	struct sieve_result *r = vm->r;
	struct sieve_action *a;
	size_t i;

	for (i = 0; i < r->n; i++) {
		a = &r->action[i];
		if (a->kind == kind && (kind == SIEVE_FILE ? strcmp(a->to,
		    to) : str_casecmp(a->to, to)) == 0)
			return a;
	}
	if (r->n == SIEVE_ACTIONS_MAX) {
		sieve_fail(vm, _("more than %d actions"), SIEVE_ACTIONS_MAX);
		return NULL;
	}
	if (kind == SIEVE_REDIRECT && r->redirects == SIEVE_REDIRECTS_MAX) {
		sieve_fail(vm, _("more than %d addresses to redirect to"),
		    SIEVE_REDIRECTS_MAX);
		return NULL;
	}
	r->redirects += kind == SIEVE_REDIRECT;
	a = &r->action[r->n++];
	*a = (struct sieve_action){ .kind = kind, .to = mem_strdup(to) };
	return a;
}

static int
run_keep(struct sieve_vm *vm, const struct sieve_node *n)
{
	char *flags;

	if (flags_of(vm, n, &flags) == -1)
		return -1;
	keep(vm, flags);
	return 0;
}

static int
file(struct sieve_vm *vm, const struct sieve_node *n, char *name)
{
	struct sieve_action *a;
	char *flags;

	if (flags_of(vm, n, &flags) == -1)
		return -1;
	mailbox_name_fix(name);
	if (strcmp(name, "INBOX") == 0) {
		keep(vm, flags);
		return 0;
	}
	if ((a = action_of(vm, SIEVE_FILE, name)) == NULL) {
		free(flags);
		return -1;
	}
	a->make |= n->create;
	free(a->flags);
	a->flags = flags;
	vm->implicit &= n->copy;
	return 0;
}

static int
run_fileinto(struct sieve_vm *vm, const struct sieve_node *n)
{
	struct sieve_view v;
	char *name;
	int r;

	if (sieve_expand(vm, &n->a.s[0], &v) == -1 ||
	    bad_octets(vm, &v) == -1)
		return -1;
	name = mem_strndup(v.p, v.len);
	if (mailbox_name_ok(name))
		r = file(vm, n, name);
	else
		r = sieve_fail(vm, _("fileinto: %.60s cannot be a mailbox"),
		    name);
	free(name);
	return r;
}

static int
run_redirect(struct sieve_vm *vm, const struct sieve_node *n)
{
	struct sieve_view v;
	struct address a;

	if (sieve_expand(vm, &n->a.s[0], &v) == -1)
		return -1;
	if (address_parse(&a, v.p, v.len) != ADDRESS_OK || a.at == a.len)
		return sieve_fail(vm, _("redirect: %.*s is no address"),
		    (int)(v.len > 60 ? 60 : v.len), v.p);
	if (action_of(vm, SIEVE_REDIRECT, a.text) == NULL)
		return -1;
	vm->implicit &= n->copy;
	return 0;
}

static int
run_flags(struct sieve_vm *vm, const struct sieve_node *n)
{
	struct buf *flags = &vm->flags;
	struct sieve_view v;
	size_t i;
	int r = 0;

	if (n->a.n > 0)
		flags = sieve_variable_make(vm, n->a.s[0].p, n->a.s[0].len);
	if (n->code == SIEVE_SETFLAG && n->b.n > 0) {
		struct buf anew = BUF_INIT(0);

		/* Its own old value may stand in the list. */
		for (i = 0; i < n->b.n && r == 0; i++)
			if ((r = sieve_expand(vm, &n->b.s[i], &v)) == 0)
				r = sieve_flags_add(vm, &anew, v.p, v.len);
		buf_clear(flags);
		*flags = anew;
		return r;
	}
	for (i = 0; i < n->b.n && r == 0; i++) {
		if (sieve_expand(vm, &n->b.s[i], &v) == -1)
			return -1;
		r = n->code == SIEVE_ADDFLAG ?
		    sieve_flags_add(vm, flags, v.p, v.len) :
		    sieve_flags_remove(vm, flags, v.p, v.len);
	}
	return r;
}

static int
run_error(struct sieve_vm *vm, const struct sieve_node *n)
{
	struct sieve_view v;

	if (sieve_expand(vm, &n->a.s[0], &v) == -1)
		return -1;
	return sieve_fail(vm, "%.*s", (int)(v.len > 300 ? 300 : v.len), v.p);
}

static int
run_one(struct sieve_vm *vm, const struct sieve_node *n)
{
	switch (n->code) {
	case SIEVE_KEEP: return run_keep(vm, n);
	case SIEVE_DISCARD:
		vm->implicit = 0;
		return 0;
	case SIEVE_STOP:
		vm->stopped = 1;
		return 0;
	case SIEVE_FILEINTO: return run_fileinto(vm, n);
	case SIEVE_REDIRECT_TO: return run_redirect(vm, n);
	case SIEVE_SETFLAG: case SIEVE_ADDFLAG: case SIEVE_REMOVEFLAG:
		return run_flags(vm, n);
	case SIEVE_SET: return sieve_set(vm, n);
	case SIEVE_ERROR: return run_error(vm, n);
	case SIEVE_UNKNOWN: return sieve_fail(vm, "%s", n->trouble);
	default: return 0;
	}
}

static int	run_commands(struct sieve_vm *, const struct sieve_node *);

/* if, and the elsif and else behind it: the first that holds. */
static int
run_if(struct sieve_vm *vm, const struct sieve_node **n)
{
	const struct sieve_node *chosen = NULL;
	int r = 0;

	for (;; *n = (*n)->next) {
		vm->at = (*n)->at;
		if (chosen == NULL) {
			r = (*n)->code == SIEVE_ELSE ? 1 :
			    sieve_test(vm, (*n)->tests);
			if (r == -1)
				return -1;
			if (r == 1)
				chosen = *n;
		}
		if ((*n)->next == NULL || ((*n)->next->code != SIEVE_ELSIF &&
		    (*n)->next->code != SIEVE_ELSE))
			break;
	}
	return chosen != NULL ? run_commands(vm, chosen->block) : 0;
}

static int
run_commands(struct sieve_vm *vm, const struct sieve_node *n)
{
	int r = 0;

	for (; n != NULL && r == 0 && !vm->stopped; n = n->next) {
		sieve_arena_clear(&vm->arena);
		vm->made = 0;
		vm->at = n->at;
		if (sieve_steps(vm, 1) == -1)
			return -1;
		r = n->code == SIEVE_IF ? run_if(vm, &n) : run_one(vm, n);
	}
	return r;
}

static void
vm_clear(struct sieve_vm *vm)
{
	size_t i;

	sieve_arena_clear(&vm->arena);
	for (i = 0; i < vm->n_variables; i++) {
		free(vm->variable[i].name);
		buf_clear(&vm->variable[i].value);
	}
	buf_clear(&vm->matched);
	buf_clear(&vm->flags);
	buf_clear(&vm->value);
	buf_clear(&vm->upper);
	buf_clear(&vm->literal);
	buf_clear(&vm->any);
	free(vm->field);
	mime_free(&vm->mime);
}

int
sieve_run(const struct sieve_script *s, const struct sieve_message *m,
    struct sieve_result *r, struct buf *why)
{
	struct sieve_vm *vm = mem_zalloc(1, sizeof(*vm));
	int result;

	*vm = (struct sieve_vm){ .s = s, .m = m, .r = r, .why = why,
		.implicit = 1, .steps = SIEVE_STEPS + SIEVE_STEPS_OCTET *
		(uint64_t)m->len };
	/* What an earlier script flagged stays so, until this one says. */
	if (r->keep_flags != NULL)
		buf_puts(&vm->flags, r->keep_flags);
	r->keep = 0;
	result = run_commands(vm, s->first);
	if (result == -1) {
		sieve_result_clear(r);
	} else if (vm->implicit) {
		r->keep = 1;
		free(r->keep_flags);
		r->keep_flags = vm->flags.len > 0 ?
		    mem_strdup(buf_str(&vm->flags)) : NULL;
	}
	vm_clear(vm);
	free(vm);
	return result;
}

struct sieve_script *
sieve_compile(const char *text, size_t len, struct buf *why)
{
	struct sieve_script *s = mem_zalloc(1, sizeof(*s));
	char *copy = sieve_get(&s->arena, len + 1);

	if (len > 0)
		memcpy(copy, text, len);
	if (sieve_parse(s, copy, len, why) == -1 || sieve_check(s, why) == -1)
		sieve_free(&s);
	return s;
}

void
sieve_free(struct sieve_script **s)
{
	if (*s == NULL)
		return;
	sieve_arena_clear(&(*s)->arena);
	free(*s);
	*s = NULL;
}

int
sieve_asks_mailboxes(const struct sieve_script *s)
{
	return s->mailboxes;
}
