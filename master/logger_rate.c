#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/str.h"
#include "master/logger_rate.h"

enum { NAME_MAX_LEN = 63 };

struct rate {
	int64_t	 tokens;	/* thousandths of a line */
	int64_t	 last;		/* ms */
};

struct source {
	char	 name[NAME_MAX_LEN + 1];	/* "": free */
	struct rate rate;
	uint64_t lost;
	int64_t	 said;
};

static struct source sources[RATE_SOURCES];
static struct source all = { .name = "clients in all" };

/* Takes a line out of the bucket: 1, or 0 where it is empty. */
static int
take(struct rate *r, int64_t burst, int64_t per_second, int64_t now)
{
	if (r->last == 0 || now < r->last)
		r->tokens = burst * 1000;
	else if (now - r->last > burst * 1000 / per_second)
		r->tokens = burst * 1000;
	else
		r->tokens += (now - r->last) * per_second;
	if (r->tokens > burst * 1000)
		r->tokens = burst * 1000;
	r->last = now;
	if (r->tokens < 1000)
		return 0;
	r->tokens -= 1000;
	return 1;
}

/* FNV-1a: an attacker who finds names that meet pushes out his own. */
static uint32_t
hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

static void
tell(struct source *s, int64_t now, void (*say)(const char *))
{
	char words[200];

	snprintf(words, sizeof(words), "%llu lines about %.63s were left out: "
	    "there were too many", (unsigned long long)s->lost, s->name);
	s->lost = 0;
	s->said = now;
	say(words);
}

static void (*say_lost)(const char *words);

static struct source *
find(const char *name, int64_t now)
{
	struct source *s, *oldest = NULL;
	uint32_t at = hash(name) % (RATE_SOURCES / RATE_WAYS) * RATE_WAYS;
	unsigned i;

	for (i = 0; i < RATE_WAYS; i++) {
		s = &sources[at + i];
		if (strcmp(s->name, name) == 0)
			return s;
		if (oldest == NULL || s->rate.last < oldest->rate.last)
			oldest = s;
	}
	if (oldest->lost > 0 && say_lost != NULL)
		tell(oldest, now, say_lost);
	memset(oldest, 0, sizeof(*oldest));
	str_copy(oldest->name, sizeof(oldest->name), name);
	return oldest;
}

/* "192.0.2.1:4711", "[2001:db8::1]:25", without the port too; 0, or -1. */
static int
address(const char *p, size_t len, char name[NAME_MAX_LEN + 1])
{
	char text[NAME_MAX_LEN + 1], *colon;
	unsigned char a[16];

	if (len > 0 && *p == '[') {
		p++;
		len = memchr(p, ']', len - 1) == NULL ? 0 :
		    (size_t)((const char *)memchr(p, ']', len - 1) - p);
	}
	if (len == 0 || len > NAME_MAX_LEN)
		return -1;
	memcpy(text, p, len);
	text[len] = '\0';
	if (inet_pton(AF_INET6, text, a) == 1) {
		memset(a + 8, 0, 8);
		return inet_ntop(AF_INET6, a, name, NAME_MAX_LEN) != NULL ?
		    0 : -1;
	}
	if ((colon = strchr(text, ':')) != NULL)
		*colon = '\0';
	if (inet_pton(AF_INET, text, a) != 1)
		return -1;
	return inet_ntop(AF_INET, a, name, NAME_MAX_LEN) != NULL ? 0 : -1;
}

/*
 * smtpd: "client 192.0.2.1:4711: ...", "client helo [192.0.2.1]: ...", where
 * what the client says of itself may look like the other form.
 */
static int
client_of(const char *p, size_t len, char name[NAME_MAX_LEN + 1])
{
	static const char head[] = "client ";
	const char *end, *word;

	if (len < sizeof(head) || memcmp(p, head, sizeof(head) - 1) != 0)
		return -1;
	p += sizeof(head) - 1;
	len -= sizeof(head) - 1;
	end = memchr(p, ' ', len);
	if (end == NULL)
		return -1;
	word = end + 1;
	if (word < p + len && *word == '[')
		return address(word, (size_t)(p + len - word), name);
	return address(p, (size_t)(end - p), name);
}

/* auth: "login failed: somebody from 192.0.2.1:4711 (imap): ..." */
static int
login_of(const char *p, size_t len, char name[NAME_MAX_LEN + 1])
{
	static const char from[] = " from ";
	const char *at = NULL, *q = p, *end;

	/* What the client said may have the word too: the last one counts. */
	while ((q = memmem(q, (size_t)(p + len - q), from,
	    sizeof(from) - 1)) != NULL)
		at = q += sizeof(from) - 1;
	if (at == NULL)
		return -1;
	end = memchr(at, ' ', (size_t)(p + len - at));
	return address(at, (size_t)((end != NULL ? end : p + len) - at), name);
}

static int
is_mail(enum peer program)
{
	switch (program) {
	case PEER_SMTPD:
	case PEER_LOGIN:
	case PEER_AUTH:
	case PEER_IMAPD:
	case PEER_POP3D:
		return 0;
	default:
		return 1;
	}
}

int
rate_allow(enum peer program, uint32_t pid, const char *p, size_t len,
    int64_t now)
{
	char name[NAME_MAX_LEN + 1];
	struct source *s;
	int mail = is_mail(program);

	if (len >= 2 && p[1] == ' ' && (*p == 'd' || *p == 'f' || *p == 'p'))
		return 1;
	if (len >= 2) {
		p += 2;
		len -= 2;
	}
	if (!(program == PEER_SMTPD && client_of(p, len, name) == 0) &&
	    !(program == PEER_AUTH && login_of(p, len, name) == 0))
		snprintf(name, sizeof(name), "%s[%u]", peer_name(program),
		    pid);
	s = find(name, now);
	if (!take(&s->rate, mail ? RATE_MAIL_BURST : RATE_BURST,
	    mail ? RATE_MAIL_PER_SECOND : RATE_PER_SECOND, now)) {
		s->lost++;
		return 0;
	}
	if (!mail && !take(&all.rate, RATE_ALL_BURST, RATE_ALL_PER_SECOND,
	    now)) {
		all.lost++;
		return 0;
	}
	return 1;
}

void
rate_tick(int64_t now, int every, void (*say)(const char *words))
{
	unsigned i;

	say_lost = say;
	for (i = 0; i < RATE_SOURCES; i++)
		if (sources[i].lost > 0 &&
		    (every || now - sources[i].said >= RATE_SAY_MS))
			tell(&sources[i], now, say);
	if (all.lost > 0 && (every || now - all.said >= RATE_SAY_MS))
		tell(&all, now, say);
}
