/*
 * Signs messages for the suite, in each canonical form: what smtpd does not do.
 * dkim_sign KEY DOMAIN SELECTOR HEADER BODY FILE...; KEY as in the table dkim,
 * HEADER and BODY "simple" or "relaxed". Puts the field in front of each FILE.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/fd.h"
#include "lib/mail/dkim.h"
#include "lib/mail/dkim_key.h"

static void
need(int yes, const char *what)
{
	if (yes)
		return;
	fprintf(stderr, "dkim_sign: %s\n", what);
	exit(1);
}

static enum dkim_canon
canon(const char *p)
{
	return strcmp(p, "relaxed") == 0 ? DKIM_RELAXED : DKIM_SIMPLE;
}

static void
sign(const char *path, const struct dkim_key *k, struct dkim_name *n,
    char **forms)
{
	struct buf text = BUF_INIT(0), out = BUF_INIT(0);
	unsigned char hash[DKIM_HASH], sig[DKIM_SIGNATURE_MAX];
	struct header_counts c;
	struct dkim_message m;
	size_t len;
	int fd = open(path, O_RDWR);

	need(fd != -1 && fd_slurp(fd, &text) == 0, path);
	header_count(buf_str(&text), text.len, &c);
	dkim_message_init(&m, canon(forms[0]), canon(forms[1]));
	need(dkim_message_header(&m, NULL, buf_str(&text), c.len) == 0,
	    "header");
	dkim_message_body(&m, buf_str(&text) + c.len, text.len - c.len);
	dkim_message_end(&m);
	dkim_hash(&m, n, hash);
	need(dkim_key_sign(k, hash, sig, &len) == 0, "key");
	buf_puts(&out, DKIM_FIELD ": ");
	dkim_value(&m, n, sig, len, &out);
	buf_puts(&out, "\r\n");
	buf_append(&out, text.data, text.len);
	need(lseek(fd, 0, SEEK_SET) == 0 &&
	    fd_write_all(fd, out.data, out.len) == 0, path);
	close(fd);
	dkim_message_clear(&m);
	buf_clear(&text);
	buf_clear(&out);
}

int
main(int argc, char **argv)
{
	struct dkim_name n = { .time = 1796045866 };
	struct dkim_key *k;
	int i;

	need(argc > 6, "arguments");
	k = dkim_key_read(argv[1], strlen(argv[1]));
	need(k != NULL, "key");
	n.domain = argv[2];
	n.selector = argv[3];
	n.algorithm = dkim_key_algorithm(k);
	for (i = 6; i < argc; i++)
		sign(argv[i], k, &n, argv + 4);
	dkim_key_free(&k);
	return 0;
}
