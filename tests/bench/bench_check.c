/*
 * bench_check -r RUN -n COUNT: reads file names from standard input, a line
 * each, and says which messages of the run they hold: JSON with whole,
 * missing, duplicate, broken, foreign. Exit status 0 if each is there once.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "tests/bench/bench.h"

static unsigned whole, missing, duplicate, broken, foreign;

static void
check_file(const char *path, const char *run, unsigned char *seen, unsigned n)
{
	static struct buf b = BUF_INIT(0);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned seq = 0;

	buf_reset(&b);
	if (fd == -1 || fd_slurp(fd, &b) == -1)
		bench_die("%s: %m", path);
	fd_close(&fd);
	switch (bench_verify(buf_str(&b), b.len, run, &seq)) {
	case 0:
		foreign++;
		break;
	case -1:
		broken++;
		fprintf(stderr, "%s: not as it was sent\n", path);
		break;
	default:
		if (seq >= n)
			foreign++;
		else if (seen[seq]++)
			duplicate++;
		else
			whole++;
	}
}

int
main(int argc, char **argv)
{
	char path[4096], *end;
	const char *run = "run";
	unsigned n = 0, i;
	unsigned char *seen;
	int c;

	while ((c = getopt(argc, argv, "r:n:")) != -1)
		if (c == 'r')
			run = optarg;
		else if (c == 'n')
			n = (unsigned)atoi(optarg);
		else
			return 100;
	seen = mem_zalloc(n + 1, 1);
	while (fgets(path, sizeof(path), stdin) != NULL) {
		if ((end = strchr(path, '\n')) != NULL)
			*end = '\0';
		check_file(path, run, seen, n);
	}
	for (i = 0; i < n; i++)
		missing += seen[i] == 0;
	printf("{\"whole\": %u, \"missing\": %u, \"duplicate\": %u, "
	    "\"broken\": %u, \"foreign\": %u}\n", whole, missing, duplicate,
	    broken, foreign);
	free(seen);
	return whole == n && duplicate == 0 && broken == 0 ? 0 : 1;
}
