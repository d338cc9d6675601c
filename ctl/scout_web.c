/*
 * Autoconfig by libcurl. Names are asked of DNS by ctl/dns_ask.h, so that
 * libcurl resolves nothing; authorities were read before the jail.
 */
#include "config.h"

#include <curl/curl.h>
#include <string.h>

#include "ctl/dns_check.h"
#include "ctl/find_autoconfig.h"
#include "ctl/scout.h"

enum { WEB_MS = 6000, HTTPS_PORT = 443 };

static SSL_CTX *trusted;	/* its store */
static CURL *curl;

int
scout_web_open(SSL_CTX *ctx)
{
	trusted = ctx;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    (curl = curl_easy_init()) == NULL)
		return -1;
	return 0;
}

static CURLcode
take_store(CURL *h, void *ctx, void *arg)
{
	(void)h;
	(void)arg;
	SSL_CTX_set1_cert_store(ctx, SSL_CTX_get_cert_store(trusted));
	return CURLE_OK;
}

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct buf *body = arg;

	return buf_append(body, p, size * n) == 0 ? size * n : 0;
}

/* "host:port:address,address": what libcurl would have asked. 0, or -1. */
static int
put_addresses(const struct find_ask *a, const char *host, unsigned port,
    struct buf *out)
{
	struct host_addresses l;
	unsigned n = 0;
	size_t i;

	if (dns_check_addresses(host, &l) != DNS_OK)
		return -1;
	buf_printf(out, "%s:%u:", host, port);
	for (i = 0; i < l.n && n < CHECK_ADDRESSES_MAX; i++)
		/* Nothing inside is asked on the word of a zone outside. */
		if (l.a[i].kind == ADDRESS_PUBLIC || (a->loopback_ok &&
		    l.a[i].kind == ADDRESS_LOOPBACK))
			buf_printf(out, l.a[i].family == AF_INET6 ?
			    "%s[%s]" : "%s%s", n++ > 0 ? "," : "",
			    l.a[i].text);
	return n > 0 ? 0 : -1;
}

static int
set_all(const char *url, struct curl_slist *resolve, struct buf *body)
{
	return curl_easy_setopt(curl, CURLOPT_URL, url) != CURLE_OK ||
	    curl_easy_setopt(curl, CURLOPT_RESOLVE, resolve) != CURLE_OK ||
	    curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, take_store) !=
	    CURLE_OK ||
	    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https") !=
	    CURLE_OK ||
	    curl_easy_setopt(curl, CURLOPT_PROXY, "") != CURLE_OK ||
	    curl_easy_setopt(curl, CURLOPT_CAINFO, NULL) != CURLE_OK ||
	    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) != CURLE_OK ||
	    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) != CURLE_OK ||
	    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L) != CURLE_OK ||
	    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)WEB_MS) !=
	    CURLE_OK ||
	    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) !=
	    CURLE_OK ||
	    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body) != CURLE_OK ?
	    -1 : 0;
}

/* One address. 1: a file that names servers came. */
static int
get(const struct find_ask *a, const char *host, const char *path,
    struct find_servers *l)
{
	unsigned port = a->web_port != 0 ? a->web_port : HTTPS_PORT;
	struct buf url = BUF_INIT(0), where = BUF_INIT(0);
	struct buf body = BUF_INIT(AUTOCONFIG_MAX);
	struct curl_slist *resolve;
	int r = 0;

	if (put_addresses(a, host, port, &where) == 0 &&
	    (resolve = curl_slist_append(NULL, buf_str(&where))) != NULL) {
		buf_printf(&url, "https://%s:%u%s", host, port, path);
		if (set_all(buf_str(&url), resolve, &body) == 0 &&
		    curl_easy_perform(curl) == CURLE_OK)
			r = find_autoconfig(buf_str(&body), body.len, l) ==
			    0 && l->n > 0;
		curl_easy_reset(curl);
		curl_slist_free_all(resolve);
	}
	buf_clear(&url);
	buf_clear(&where);
	buf_clear(&body);
	return r;
}

void
scout_web(const struct find_ask *a, const char *domain,
    struct find_servers *l)
{
	struct buf host = BUF_INIT(DOMAIN_MAX);

	l->n = 0;
	if (curl == NULL || trusted == NULL)
		return;
	if (buf_printf(&host, "autoconfig.%s", domain) == -1 ||
	    !get(a, buf_str(&host), "/mail/config-v1.1.xml", l)) {
		l->n = 0;
		if (!get(a, domain, "/.well-known/autoconfig/mail/"
		    "config-v1.1.xml", l))
			l->n = 0;
	}
	buf_clear(&host);
}
