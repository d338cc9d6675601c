#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/log.h"
#include "lib/mail/dkim.h"

/*
 * RFC 6376 5.4.1, and what has come since. over: named once more than it is
 * there. What lists put into what they pass on is not.
 */
static const struct signed_name {
	const char *name;
	int	 over;
} signed_names[] = {
	{ "from", 1 },
	{ "sender", 1 },
	{ "reply-to", 1 },
	{ "to", 1 },
	{ "cc", 1 },
	{ "subject", 1 },
	{ "date", 1 },
	{ "message-id", 1 },
	{ "in-reply-to", 0 },
	{ "references", 0 },
	{ "mime-version", 1 },
	{ "content-type", 1 },
	{ "content-transfer-encoding", 1 },
	{ "content-disposition", 0 },
	{ "content-language", 0 },
	{ "resent-date", 0 },
	{ "resent-from", 0 },
	{ "resent-sender", 0 },
	{ "resent-to", 0 },
	{ "resent-cc", 0 },
	{ "resent-message-id", 0 },
	{ "list-id", 0 },
	{ "list-help", 0 },
	{ "list-unsubscribe", 0 },
	{ "list-unsubscribe-post", 0 },
	{ "list-subscribe", 0 },
	{ "list-post", 0 },
	{ "list-owner", 0 },
	{ "list-archive", 0 },
	{ "auto-submitted", 0 },
	{ "autocrypt", 0 },
};

const char *
dkim_algorithm_name(enum dkim_algorithm a)
{
	static const char *const names[DKIM_ALGORITHMS] = {
		[DKIM_RSA] = "rsa-sha256", [DKIM_ED25519] = "ed25519-sha256"
	};

	return names[a];
}

void
dkim_message_init(struct dkim_message *m, enum dkim_canon header,
    enum dkim_canon body)
{
	m->canon = header;
	m->fields = dkim_hash_new();
	buf_init(&m->names, 0);
	m->n_names = 0;
	dkim_body_init(&m->body, body);
	memset(m->body_hash, 0, sizeof(m->body_hash));
}

void
dkim_message_clear(struct dkim_message *m)
{
	EVP_MD_CTX_free(m->fields);
	m->fields = NULL;
	buf_clear(&m->names);
	dkim_body_clear(&m->body);
}

static int
name_one(struct dkim_message *m, const char *name)
{
	if (++m->n_names > DKIM_NAMES_MAX)
		return -1;
	if (m->names.len > 0)
		buf_putc(&m->names, ':');
	return buf_puts(&m->names, name);
}

/* All fields of a name, from the lowest up, as a verifier takes them. */
static int
sign_name(struct dkim_message *m, struct dkim_fields *l,
    const struct signed_name *s)
{
	struct buf canon = BUF_INIT(0);
	const struct header_field *f;
	int r = 0;

	while (r == 0 && (f = dkim_fields_take(l, s->name)) != NULL) {
		r = name_one(m, s->name);
		buf_reset(&canon);
		dkim_canon_field(m->canon, f, &canon);
		dkim_hash_put(m->fields, canon.data, canon.len);
	}
	if (r == 0 && s->over)
		r = name_one(m, s->name);
	buf_clear(&canon);
	return r;
}

int
dkim_message_header(struct dkim_message *m, const struct buf *added,
    const char *p, size_t len)
{
	struct dkim_fields l = { .n = 0 };
	size_t i, n = sizeof(signed_names) / sizeof(signed_names[0]);
	int r = 0;

	if (added != NULL)
		r = dkim_fields_add(&l, buf_str(added), added->len);
	if (r == 0)
		r = dkim_fields_add(&l, p, len);
	for (i = 0; r == 0 && i < n; i++)
		r = sign_name(m, &l, &signed_names[i]);
	dkim_fields_clear(&l);
	return r;
}

void
dkim_message_body(struct dkim_message *m, const char *p, size_t len)
{
	dkim_body_put(&m->body, p, len);
}

void
dkim_message_end(struct dkim_message *m)
{
	dkim_body_end(&m->body, m->body_hash);
}

/* The value as it grows: where its line stands. */
struct value {
	struct buf *out;
	size_t	 column;
};

static void
value_fold(struct value *v)
{
	buf_puts(v->out, "\r\n\t");
	v->column = 1;
}

/* What is not divided; `blank` in front of it where it stays on the line. */
static void
value_put(struct value *v, const char *blank, const char *p, size_t len)
{
	size_t n = strlen(blank);

	if (v->column + n + len > DKIM_LINE) {
		value_fold(v);
	} else {
		buf_append(v->out, blank, n);
		v->column += n;
	}
	buf_append(v->out, p, len);
	v->column += len;
}

static void ATTR_PRINTF(2, 3)
value_tag(struct value *v, const char *fmt, ...)
{
	struct buf tag = BUF_INIT(0);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&tag, fmt, ap);
	va_end(ap);
	value_put(v, " ", tag.data, tag.len);
	buf_clear(&tag);
}

/* A fold may stand behind each colon. */
static void
value_names(struct value *v, const struct buf *names)
{
	struct buf all = BUF_INIT(0);
	size_t at, n;

	value_tag(v, "h=");
	buf_append(&all, names->data, names->len);
	buf_putc(&all, ';');
	for (at = 0; at < all.len; at += n) {
		n = strcspn(all.data + at, ":;") + 1;
		value_put(v, "", all.data + at, n);
	}
	buf_clear(&all);
}

static void
value_base64(struct value *v, const void *p, size_t len)
{
	struct buf text = BUF_INIT(0);
	size_t at, n;

	base64_encode(&text, p, len);
	for (at = 0; at < text.len; at += n) {
		if (v->column >= DKIM_LINE)
			value_fold(v);
		n = DKIM_LINE - v->column;
		if (n > text.len - at)
			n = text.len - at;
		buf_append(v->out, text.data + at, n);
		v->column += n;
	}
	buf_clear(&text);
}

void
dkim_value(const struct dkim_message *m, const struct dkim_name *n,
    const void *signature, size_t len, struct buf *out)
{
	static const char *const canon[] = { "simple", "relaxed" };
	struct value v = { out, sizeof(DKIM_FIELD) + 1 };
	struct buf hash = BUF_INIT(0);

	value_put(&v, "", "v=1;", 4);
	value_tag(&v, "a=%s;", dkim_algorithm_name(n->algorithm));
	value_tag(&v, "c=%s/%s;", canon[m->canon], canon[m->body.canon]);
	value_tag(&v, "d=%s;", n->domain);
	value_tag(&v, "s=%s;", n->selector);
	value_tag(&v, "t=%" PRId64 ";", n->time);
	value_names(&v, &m->names);
	base64_encode(&hash, m->body_hash, sizeof(m->body_hash));
	value_tag(&v, "bh=%s;", buf_str(&hash));
	value_tag(&v, "b=");
	value_base64(&v, signature, len);
	buf_clear(&hash);
}

/* 3.7: the field itself comes last, without signature and line end. */
void
dkim_hash(const struct dkim_message *m, const struct dkim_name *n,
    unsigned char out[DKIM_HASH])
{
	struct buf field = BUF_INIT(0), canon = BUF_INIT(0);
	struct header_field f = { .name_len = sizeof(DKIM_FIELD) - 1 };
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	if (c == NULL || EVP_MD_CTX_copy_ex(c, m->fields) != 1)
		log_fatal("no SHA-256");
	buf_puts(&field, DKIM_FIELD ": ");
	dkim_value(m, n, NULL, 0, &field);
	f.p = f.name = field.data;
	f.len = field.len;
	f.value = field.data + sizeof(DKIM_FIELD);
	f.value_len = field.len - sizeof(DKIM_FIELD);
	dkim_canon_field(m->canon, &f, &canon);
	dkim_hash_put(c, canon.data, canon.len - 2);
	dkim_hash_end(&c, out);
	buf_clear(&field);
	buf_clear(&canon);
}
