/*
 * config explain: all that is known of one key. Its words, bounds and default are
 * those of the table of the program that reads it.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/ctl_keys.h"
#include "ctl/ctl_near.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

/*
 * The keys that a reload leaves as they are; the man pages say "Read at the start
 * only." of them, and a test holds the one against the other.
 */
static const char *const at_start[] = {
	"auth_cache", "auth_delay", "auth_scram", "index_cache",
	"process_memory", "session_uid_first", "session_uid_last",
	"state_dir", "store_threads", NULL
};

static int
is_at_start(const struct key *k)
{
	size_t i;

	for (i = 0; at_start[i] != NULL; i++)
		if (strcmp(at_start[i], k->name) == 0)
			return 1;
	return 0;
}

/* Does rohrpost alone read it, each time anew? */
static int
is_of_command(const struct key *k)
{
	struct cursor c;
	const char *p;
	size_t len;

	cursor_init(&c, k->programs.data, k->programs.len);
	p = cursor_lv(&c, &len, 100);
	return k->n_programs == 1 && p != NULL && str_is(p, len, "rohrpost");
}

/* The page with its long words: what more than two read has one of its own. */
static void
put_manual(const struct key *k, struct buf *out)
{
	struct cursor c;
	const char *p;
	size_t len;

	cursor_init(&c, k->programs.data, k->programs.len);
	p = cursor_lv(&c, &len, 100);
	if (k->n_programs > 2)
		buf_puts(out, "rohrpost.conf(5)");
	else if (p != NULL && strncmp(p, "rohrpost", len) == 0)
		buf_puts(out, "rohrpost(8)");
	else if (p != NULL)
		buf_printf(out, "rohrpost-%.*s(8)", (int)len, p);
}

struct unit {
	char	 letter;
	uint64_t factor;
};

/* A number as it is written in rohrpost.conf, in the largest unit that fits. */
static void
put_number(const struct key *k, uint64_t n, struct buf *out)
{
	static const struct unit sizes[] = { { 'G', (uint64_t)1 << 30 },
	    { 'M', 1 << 20 }, { 'K', 1 << 10 }, { 0, 1 } };
	static const struct unit times[] = { { 'd', 86400 }, { 'h', 3600 },
	    { 'm', 60 }, { 's', 1 } };
	const struct unit *u = strcmp(k->type, "size") == 0 ? sizes :
	    strcmp(k->type, "time") == 0 ? times : &sizes[3];

	while (u->factor > 1 && (n == 0 || n % u->factor != 0))
		u++;
	buf_printf(out, "%" PRIu64, n / u->factor);
	if (u->letter != 0)
		buf_putc(out, u->letter);
}

/* What may stand there. */
static void
put_bounds(const struct key *k, struct buf *out)
{
	struct buf least = BUF_INIT(40), most = BUF_INIT(40);

	put_number(k, k->min, &least);
	put_number(k, k->max, &most);
	if (strcmp(k->type, "bool") == 0)
		buf_puts(out, _("yes or no"));
	else if (strcmp(k->type, "choice") == 0)
		buf_printf(out, _("one of these words: %s"), k->choices);
	else if (strcmp(k->type, "host") == 0)
		buf_puts(out, _("the name of a host, or nothing"));
	else if (strcmp(k->type, "text") == 0 && k->min > 0)
		buf_printf(out, _("text of %s to %s octets"), buf_str(&least),
		    buf_str(&most));
	else if (strcmp(k->type, "text") == 0)
		buf_printf(out, _("nothing, or text of up to %s octets"),
		    buf_str(&most));
	else if (strcmp(k->type, "size") == 0)
		buf_printf(out, _("a size from %s to %s (K, M, G, T)"),
		    buf_str(&least), buf_str(&most));
	else if (strcmp(k->type, "time") == 0)
		buf_printf(out, _("a time from %s to %s (s, m, h, d, w)"),
		    buf_str(&least), buf_str(&most));
	else
		buf_printf(out, _("a number from %s to %s"), buf_str(&least),
		    buf_str(&most));
	buf_clear(&least);
	buf_clear(&most);
}

/* Its value or default, as people see that it is empty. */
static const char *
shown(const char *value)
{
	return value[0] != '\0' ? value : _("(nothing)");
}

static void
put_programs(const struct key *k, struct buf *out)
{
	struct cursor c;
	const char *p;
	size_t len;

	cursor_init(&c, k->programs.data, k->programs.len);
	while ((p = cursor_lv(&c, &len, 100)) != NULL && len > 0)
		buf_printf(out, "%s%.*s", out->len > 0 ? ", " : "", (int)len,
		    p);
}

static void
say(const char *label, struct buf *text)
{
	printf("  %s: %s\n", label, buf_str(text));
	buf_reset(text);
}

static void
for_people(const struct ctl *c, const struct key *k)
{
	struct buf b = BUF_INIT(0);

	printf("%s: %s\n", k->name, k->help[0] != '\0' ? _(k->help) : "");
	if (k->value != NULL)
		buf_printf(&b, _("%s (%s/rohrpost.conf, line %u)"),
		    shown(k->value), c->dir, k->line);
	else
		buf_printf(&b, _("%s (the default)"), shown(k->def));
	say(_("value"), &b);
	buf_puts(&b, shown(k->def));
	say(_("default"), &b);
	put_bounds(k, &b);
	say(_("allowed"), &b);
	put_programs(k, &b);
	say(_("read by"), &b);
	buf_puts(&b, is_at_start(k) ?
	    _("after a restart (rohrpost stop, rohrpost start)") :
	    is_of_command(k) ? _("at once") : _("with rohrpost reload"));
	say(_("a change counts"), &b);
	put_manual(k, &b);
	say(_("more"), &b);
	buf_clear(&b);
}

/* The words of a choice, packed. */
static void
pack_choices(const struct key *k, struct buf *out)
{
	const char *p = k->choices;
	size_t n;

	for (; *p != '\0'; p += n, p += strspn(p, " ")) {
		n = strcspn(p, " ");
		buf_put_lv(out, p, n);
	}
}

static const char *const columns[] = { "key", "help", "type", "default",
	"min", "max", "choices", "value", "set", "file", "line", "programs",
	"change", "manual" };

static void
for_programs(const struct ctl *c, const struct key *k, struct out *o)
{
	struct buf b = BUF_INIT(0);

	out_text(o, k->name);
	out_text(o, k->help);
	out_text(o, k->type);
	out_text(o, k->def);
	out_number(o, k->min);
	out_number(o, k->max);
	pack_choices(k, &b);
	out_texts(o, &b);
	out_text(o, k->value != NULL ? k->value : k->def);
	out_bool(o, k->value != NULL);
	if (k->value != NULL) {
		buf_set(&b, "%s/rohrpost.conf", c->dir);
		out_text(o, buf_str(&b));
		out_number(o, k->line);
	} else {
		out_null(o);
		out_null(o);
	}
	out_texts(o, &k->programs);
	out_text(o, is_at_start(k) ? "restart" : is_of_command(k) ? "now" :
	    "reload");
	buf_reset(&b);
	put_manual(k, &b);
	out_text(o, buf_str(&b));
	buf_clear(&b);
}

static int
unknown(const struct keys *keys, const char *name)
{
	struct buf near = BUF_INIT(0);

	near_keys(keys, name, &near);
	if (near.len > 0)
		ctl_fail(0, _("%s: no program knows this key; do you mean %s?"),
		    name, buf_str(&near));
	else
		ctl_fail(0, _("%s: no program knows this key (rohrpost config "
		    "show has all)"), name);
	buf_clear(&near);
	return CTL_REFUSED;
}

/* Each key that was named; what is not known is said, and the others told. */
static int
explain(const struct ctl *c, const struct keys *keys, struct out *o)
{
	const struct key *k;
	int i, r = CTL_DONE;

	for (i = 0; i < c->n_args; i++) {
		k = keys_find(keys, c->args[i]);
		if (k == NULL)
			r = unknown(keys, c->args[i]);
		else if (c->json)
			for_programs(c, k, o);
		else
			for_people(c, k);
	}
	return r;
}

int
cmd_config_explain(struct ctl *c)
{
	struct buf words = BUF_INIT(64 * 1024);
	struct keys keys;
	struct out o;
	size_t i;
	int r;

	/* What is known of a key may be what is needed to mend the file. */
	if (keys_values(&keys, c->dir, &words) == -1)
		ctl_warn(&words);
	out_init(&o, stdout, c->json);
	for (i = 0; c->json && i < sizeof(columns) / sizeof(columns[0]); i++)
		out_name(&o, columns[i], strlen(columns[i]));
	r = explain(c, &keys, &o);
	if (c->json && out_end(&o) == -1)
		r = CTL_REFUSED;
	keys_clear(&keys);
	buf_clear(&words);
	return r;
}
