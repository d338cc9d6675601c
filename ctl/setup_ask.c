#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_ask.h"
#include "ctl/setup_ask.h"
#include "lib/mail/limits.h"

enum { ASK_LINE = 1024 };

/* Asks once more while an answer is empty and there is no default. */
static int
ask(const char *question, const char *def, struct buf *out, struct buf *why)
{
	struct buf line = BUF_INIT(ASK_LINE);
	int r;

	do {
		fprintf(stderr, "%s%s%s%s: ", question, *def ? " [" : "",
		    def, *def ? "]" : "");
		r = ctl_line(&line);
		buf_truncate(&line, strcspn(buf_str(&line), "\r"));
	} while (r == 1 && line.len == 0 && *def == '\0');
	if (r == 1) {
		buf_reset(out);
		buf_puts(out, line.len > 0 ? buf_str(&line) : def);
	} else {
		buf_set(why, r == 0 ? "no answer" :
		    "an answer has at most %d octets", ASK_LINE);
	}
	buf_clear(&line);
	return r == 1 ? 0 : -1;
}

static int
ask_into(struct answers *as, const char *key, const char *question,
    const char *def, struct buf *value, struct buf *why)
{
	if (ask(question, def, value, why) == -1)
		return -1;
	return answers_add(as, key, buf_str(value), 0, why);
}

static int
ask_user(struct answers *as, const char *domain, struct buf *address,
    struct buf *why)
{
	struct buf def = BUF_INIT(0), password = BUF_INIT(PASSWORD_MAX);
	int r;

	buf_printf(&def, "%s@%s", "anna", domain);
	r = ask("Address of the first user", buf_str(&def), address, why);
	if (r == 0)
		r = ctl_password(0, buf_str(address), &password, why);
	if (r == 0) {
		buf_reset(&def);
		buf_printf(&def, "%s %s", buf_str(address),
		    buf_str(&password));
		r = answers_add(as, "user", buf_str(&def), 0, why);
	}
	buf_wipe(&def);
	buf_wipe(&password);
	return r;
}

static int
ask_relay_login(struct answers *as, struct buf *value, struct buf *why)
{
	struct buf password = BUF_INIT(PASSWORD_MAX);
	int r;

	if (ask("Login there, or none", "none", value, why) == -1)
		return -1;
	if (strcmp(buf_str(value), "none") == 0)
		return 0;
	r = answers_add(as, "relay_user", buf_str(value), 0, why);
	if (r == 0)
		r = ctl_password(0, buf_str(value), &password, why);
	if (r == 0)
		r = answers_add(as, "relay_password", buf_str(&password), 0,
		    why);
	buf_wipe(&password);
	return r;
}

static int
ask_relay(struct answers *as, struct buf *value, struct buf *why)
{
	if (ask_into(as, "profile", "Way out and in: direct, relay (through "
	    "a provider), collector", "direct", value, why) == -1)
		return -1;
	if (strcmp(buf_str(value), "direct") == 0)
		return 0;
	if (ask_into(as, "relay_host", "Host of the provider's smarthost",
	    "", value, why) == -1)
		return -1;
	return ask_relay_login(as, value, why);
}

static int
ask_certificate(struct answers *as, struct buf *value, struct buf *why)
{
	if (ask_into(as, "certificate", "Certificate: a PEM file, or "
	    "self-signed", "self-signed", value, why) == -1)
		return -1;
	if (strcmp(buf_str(value), "self-signed") == 0)
		return 0;
	return ask_into(as, "key", "Its private key: a PEM file", "", value,
	    why);
}

int
setup_ask(struct answers *as, const char *dir, struct buf *why)
{
	struct buf value = BUF_INIT(0), user = BUF_INIT(0);
	char host[HOST_NAME_MAX + 1] = "";
	const char *dot;
	int r;

	fprintf(stderr, "Setting up Rohrpost in %s. An empty answer takes "
	    "what stands in [brackets].\n", dir);
	if (gethostname(host, sizeof(host)) == -1 || strchr(host, '.') == NULL)
		host[0] = '\0';
	r = ask_into(as, "hostname", "Full name of this host", host, &value,
	    why);
	dot = r == 0 ? strchr(buf_str(&value), '.') : NULL;
	if (r == 0 && dot != NULL)
		snprintf(host, sizeof(host), "%s", dot + 1);
	if (r == 0)
		r = ask_into(as, "domain", "Domain to take mail for", host,
		    &value, why);
	if (r == 0)
		r = ask_user(as, buf_str(&value), &user, why);
	if (r == 0)
		r = ask_into(as, "postmaster", "Who reads postmaster's and "
		    "abuse's mail", buf_str(&user), &value, why);
	if (r == 0)
		r = ask_relay(as, &value, why);
	if (r == 0)
		r = ask_certificate(as, &value, why);
	buf_clear(&value);
	buf_clear(&user);
	return r;
}
