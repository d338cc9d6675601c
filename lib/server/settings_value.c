/*
 * One value: from its text, and into the struct of the program.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/server/settings_value.h"

struct settings_unit {
	char	 letter;
	uint64_t factor;
};

static const struct settings_unit size_units[] = {
	{ 'K', 1 << 10 }, { 'M', 1 << 20 }, { 'G', 1 << 30 },
	{ 'T', (uint64_t)1 << 40 }, { 0, 0 }
};
static const struct settings_unit time_units[] = {
	{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
	{ 'w', 7 * 86400 }, { 0, 0 }
};
static const char *const type_names[] = {
	[SETTINGS_TEXT] = "text", [SETTINGS_HOST] = "host",
	[SETTINGS_NUMBER] = "number",
	[SETTINGS_SIZE] = "size", [SETTINGS_TIME] = "time",
	[SETTINGS_BOOL] = "bool", [SETTINGS_CHOICE] = "choice",
};

/* Digits and a unit; the unit may be left out where bare_ok. */
static const char *
parse_unit(const char *s, const struct settings_unit *u, int bare_ok,
    uint64_t *r)
{
	size_t len = strlen(s);
	uint64_t n, factor = 1;

	if (len > 0 && (s[len - 1] < '0' || s[len - 1] > '9')) {
		while (u->letter != 0 && u->letter != s[len - 1])
			u++;
		if (u->letter == 0)
			return _("has no unit that is known");
		factor = u->factor;
		len--;
	} else if (!bare_ok)
		return _("needs a unit: s, m, h, d or w");
	if (str_number(s, len, UINT64_MAX / factor, &n) == -1)
		return _("is not a number");
	*r = n * factor;
	return NULL;
}

static const char *
parse_choice(const char *choices, const char *s, uint64_t *r)
{
	size_t n, len = strlen(s);
	uint64_t i = 0;

	for (; *choices != '\0'; i++) {
		n = strcspn(choices, " ");
		if (n == len && memcmp(choices, s, n) == 0) {
			*r = i;
			return NULL;
		}
		choices += n;
		choices += strspn(choices, " ");
	}
	return _("is not one of the words allowed");
}

static const char *
parse_text(const struct settings_key *k, const char *s, char **r)
{
	size_t len = strlen(s);

	if (len < k->min)
		return len == 0 ? _("must not be empty") : _("is too short");
	if (len > k->max)
		return _("is too long");
	if (k->type == SETTINGS_HOST && len > 0 && !str_is_host(s, len))
		return _("is not a host name");
	free(*r);
	*r = mem_strdup(s);
	return NULL;
}

const char *
settings_value_parse(const struct settings_key *k, const char *s,
    struct settings_value *v)
{
	size_t len = strlen(s);
	const char *fault = NULL;

	switch (k->type) {
	case SETTINGS_TEXT:
	case SETTINGS_HOST:
		return parse_text(k, s, &v->text);
	case SETTINGS_NUMBER:
		if (str_number(s, len, UINT64_MAX, &v->number) == -1)
			return _("is not a number");
		break;
	case SETTINGS_SIZE:
		fault = parse_unit(s, size_units, 1, &v->number);
		break;
	case SETTINGS_TIME:
		fault = parse_unit(s, time_units, 0, &v->number);
		break;
	case SETTINGS_BOOL:
		return parse_choice("no yes", s, &v->number) == NULL ? NULL :
		    _("is neither yes nor no");
	case SETTINGS_CHOICE:
		return parse_choice(k->choices, s, &v->number);
	}
	if (fault == NULL && (v->number < k->min || v->number > k->max))
		fault = _("is out of bounds");
	return fault;
}

void
settings_value_fault(struct buf *why, const char *name,
    const struct settings_key *k, const struct settings_value *v,
    const char *value, const char *fault)
{
	char where[32] = "default";

	if (v->line > 0)
		snprintf(where, sizeof(where), "%u", v->line);
	if (k->type == SETTINGS_CHOICE)
		buf_set(why, "%s:%s: %s: \"%.60s\" %s: %s", name, where,
		    k->name, value, fault, k->choices);
	else if (k->type == SETTINGS_TEXT || k->type == SETTINGS_HOST ||
	    k->type == SETTINGS_BOOL)
		buf_set(why, "%s:%s: %s: \"%.60s\" %s", name, where, k->name,
		    value, fault);
	else
		buf_set(why, _("%s:%s: %s: \"%.60s\" %s (%s, %llu to %llu)"),
		    name, where, k->name, value, fault, type_names[k->type],
		    (unsigned long long)k->min, (unsigned long long)k->max);
}

void
settings_value_store(const struct settings_key *k, struct settings_value *v,
    void *conf)
{
	char *at = (char *)conf + k->offset, *old;

	switch (k->type) {
	case SETTINGS_TEXT:
	case SETTINGS_HOST:
		/* What was there may be in use: an equal text stays, another
		   one is left behind. */
		memcpy(&old, at, sizeof(old));
		if (old != NULL && strcmp(old, v->text) == 0)
			break;
		memcpy(at, &v->text, sizeof(v->text));
		v->text = NULL;
		break;
	case SETTINGS_NUMBER:
	case SETTINGS_SIZE:
	case SETTINGS_TIME:
		memcpy(at, &v->number, sizeof(v->number));
		break;
	case SETTINGS_BOOL:
	case SETTINGS_CHOICE:
		memcpy(at, &(int){ (int)v->number }, sizeof(int));
		break;
	}
}

const char *
settings_type_name(enum settings_type t)
{
	return type_names[t];
}
