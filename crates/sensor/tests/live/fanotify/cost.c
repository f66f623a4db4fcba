/* cost exec|open COUNT [PATH]: the median and the 99th percentile, in nanoseconds. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static int order(const void *left, const void *right)
{
	long a = *(const long *)left, b = *(const long *)right;
	return a < b ? -1 : a > b;
}

static void once(const char *program, const char *path)
{
	if (path) {
		close(open(path, O_RDONLY));
		return;
	}
	pid_t child = vfork();
	if (child == 0) {
		execl(program, program, (char *)0);
		_exit(1);
	}
	waitpid(child, 0, 0);
}

int main(int count, char **words)
{
	if (count < 3)
		return 0;
	const char *path = strcmp(words[1], "open") ? 0 : words[3];
	long times = atol(words[2]);
	long *took = calloc(times, sizeof *took);
	for (long i = 0; i < times; i++) {
		long since = now();
		once(words[0], path);
		took[i] = now() - since;
	}
	qsort(took, times, sizeof *took, order);
	printf("%ld %ld\n", took[times / 2], took[times * 99 / 100]);
	return 0;
}
