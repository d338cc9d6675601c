#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/mail/dsn.h"
#include "lib/mail/packed.h"
#include "relay/relay_job.h"

enum { BLOCK = 64 * 1024 };

void
job_clear(struct relay_job *j)
{
	size_t i;

	for (i = 0; i < j->n; i++) {
		free(j->to[i].address);
		free(j->to[i].words);
		free(j->to[i].orcpt);
	}
	free(j->to);
	free(j->file);
	free(j->sender);
	free(j->envid);
	free(j->body);
	fd_close(&j->message.fd);
	memset(j, 0, sizeof(*j));
	j->message.fd = -1;
}

static int
read_recipients(struct relay_job *j, const char *p, size_t len)
{
	struct packed_target t;
	struct cursor c;
	int more;

	cursor_init(&c, p, len);
	j->to = mem_zalloc(JOB_RECIPIENTS_MAX, sizeof(*j->to));
	while ((more = packed_target(&c, 0, &t)) == 1) {
		if (j->n == JOB_RECIPIENTS_MAX)
			return -1;
		j->to[j->n].index = t.index;
		j->to[j->n++].address = mem_strndup(t.address, t.len);
	}
	return more == 0 && j->n > 0 ? 0 : -1;
}

static struct relay_recipient *
find_recipient(struct relay_job *j, uint32_t index)
{
	size_t i;

	for (i = 0; i < j->n; i++)
		if (j->to[i].index == index)
			return &j->to[i];
	return NULL;
}

/* What a command line could not have is left out. */
static int
read_dsn(struct relay_job *j, const char *p, size_t len)
{
	struct relay_recipient *to;
	struct packed_dsn d;
	struct cursor c;
	int more;

	cursor_init(&c, p, len);
	while ((more = packed_dsn(&c, &d)) == 1) {
		if ((to = find_recipient(j, d.index)) == NULL ||
		    to->orcpt != NULL)
			return -1;
		to->notify = d.notify;
		if (dsn_orcpt_is(d.orcpt, d.len))
			to->orcpt = mem_strndup(d.orcpt, d.len);
	}
	return more;
}

static void
read_envid(struct relay_job *j, const struct msg *m)
{
	size_t len;
	const char *p = msg_get(m, JF_ENVID, &len);

	if (p != NULL && dsn_envid_is(p, len))
		j->envid = mem_strndup(p, len);
	j->message.envid = j->envid;
}

int
job_read(struct relay_job *j, struct msg *m, struct buf *why)
{
	const char *dsn;
	size_t dsn_len;
	const char *p;
	size_t len;

	memset(j, 0, sizeof(*j));
	j->id = m->id;
	j->crc = msg_get_u32(m, JF_CRC);
	j->message.fd = msg_get_fd(m, 0);
	j->message.offset = msg_get_u32(m, JF_OFFSET);
	j->message.length = msg_get_u64(m, JF_LENGTH);
	j->message.eight_bit = (msg_get_u32(m, JF_FLAGS) & Q_8BIT) != 0;
	j->file = msg_get_dup(m, JF_FILE);
	j->sender = msg_get_dup(m, JF_SENDER);
	j->message.sender = j->sender;
	j->message.ret = msg_get_u32(m, JF_RET);
	read_envid(j, m);
	p = msg_get(m, JF_RECIPIENTS, &len);
	dsn = msg_get(m, JF_RCPT_DSN, &dsn_len);
	if (dest_key_get(&j->key, m) == -1)
		buf_set(why, "%s: a TLS policy that is not known", j->file);
	else if (p == NULL || read_recipients(j, p, len) == -1)
		buf_set(why, "%s: malformed recipients", j->file);
	else if (dsn != NULL && read_dsn(j, dsn, dsn_len) == -1)
		buf_set(why, "%s: malformed NOTIFY or ORCPT", j->file);
	else
		return 0;
	job_clear(j);
	return -1;
}

/* Reads the file once; what fits the memory stays there. */
static int
verify_read(struct relay_job *j, uint32_t *crc_r)
{
	uint64_t at = 0, n, length = j->message.length;
	char *block;
	size_t size = length <= BODY_MEMORY_MAX ? length : BLOCK;
	int r = 0;

	*crc_r = 0;
	block = mem_alloc(size + 1);
	while (at < length && r == 0) {
		n = length - at < size ? length - at : size;
		r = fd_pread_all(j->message.fd, block, n, (off_t)at);
		if (r == 0)
			*crc_r = crc32c(*crc_r, block, n);
		at += n;
	}
	if (r == 0 && length <= BODY_MEMORY_MAX)
		j->message.data = j->body = block;
	else
		free(block);
	return r;
}

/* One read of one octet more than there should be: 1 where it is as said. */
static int
verify_small(struct relay_job *j)
{
	size_t length = j->message.length;
	char *block;
	ssize_t n;

	if (length > BODY_MEMORY_MAX || j->message.offset > length)
		return 0;
	block = mem_alloc(length + 1);
	n = pread(j->message.fd, block, length + 1, 0);
	if (n == (ssize_t)length && crc32c(0, block, length) == j->crc) {
		j->message.data = j->body = block;
		return 1;
	}
	free(block);
	return 0;
}

enum result
job_verify(struct relay_job *j, struct buf *why)
{
	struct stat st;
	uint32_t crc;

	if (verify_small(j))
		return RESULT_DELIVERED;
	if (fstat(j->message.fd, &st) == -1) {
		buf_set(why, "4.3.0 the file cannot be read: %m");
		return RESULT_LATER;
	}
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != j->message.length ||
	    j->message.offset > j->message.length) {
		buf_set(why, "the file has %lld octets, not %llu",
		    (long long)st.st_size,
		    (unsigned long long)j->message.length);
		return RESULT_NEVER;
	}
	if (verify_read(j, &crc) == -1) {
		buf_set(why, "4.3.0 the file cannot be read: %m");
		return RESULT_LATER;
	}
	if (crc != j->crc) {
		buf_set(why, "the checksum of the file is wrong");
		return RESULT_NEVER;
	}
	return RESULT_DELIVERED;
}

void
job_all(struct relay_job *j, enum result result, const char *words)
{
	size_t i;

	for (i = 0; i < j->n; i++)
		if (!j->to[i].settled)
			recipient_set(&j->to[i], result, words);
}

int
job_settled(const struct relay_job *j)
{
	size_t i;

	for (i = 0; i < j->n; i++)
		if (!j->to[i].settled)
			return 0;
	return 1;
}

int
job_answer(const struct relay_job *j, struct chan *c)
{
	struct buf results = BUF_INIT(0);
	const char *words;
	size_t i;
	int r;

	for (i = 0; i < j->n; i++) {
		words = j->to[i].words != NULL ? j->to[i].words : "4.3.0";
		packed_put_result(&results, &(struct packed_result){
		    j->to[i].index, j->to[i].words != NULL ?
		    j->to[i].result : RESULT_LATER, j->to[i].passed, words,
		    strlen(words) });
	}
	msg_begin(c, &proto_job, J_RESULT, j->id);
	msg_bytes(c, JF_RESULTS, results.data, results.len);
	if (j->host[0] != '\0')
		msg_words(c, JF_HOST, j->host, CLIENT_LABEL_MAX - 1);
	r = msg_end(c);
	buf_clear(&results);
	return r;
}
