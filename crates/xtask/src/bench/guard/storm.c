/* What the bench of the guard loads a machine with. It works inside of a container, says what it did
 * on one line, and stops by itself.
 *
 *   storm exec SECONDS        starts of /bin/true, one after the other, a second
 *   storm open SECONDS RATE   openings of a file, a second; as fast as it can with a RATE of 0
 *   storm deed COUNT MICROSECONDS   reads the passwords' hashes so often, so far apart: each line
 *                             is when, in nanoseconds since the Unix epoch
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long long now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void start_true(void) {
  char *arguments[] = {"/bin/true", NULL};
  pid_t child;
  if (posix_spawn(&child, arguments[0], NULL, NULL, arguments, environ) != 0) {
    perror("posix_spawn");
    exit(1);
  }
  waitpid(child, NULL, 0);
}

static void open_file(void) {
  int file = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    perror("open");
    exit(1);
  }
  close(file);
}

/* Sleeps as often as it is ahead of its rate. */
static void repeat(void (*act)(void), double seconds, double rate) {
  long long begin = now(CLOCK_MONOTONIC), end = begin + seconds * 1e9, at = begin;
  long count = 0;
  for (; at < end; at = now(CLOCK_MONOTONIC)) {
    for (int batch = 0; batch < 16; batch++)
      act();
    count += 16;
    if (rate > 0 && count > (at - begin) * 1e-9 * rate)
      usleep(500);
  }
  printf("%.1f\n", count / ((at - begin) * 1e-9));
}

static void deeds(long count, useconds_t apart) {
  for (long done = 0; done < count; done++) {
    usleep(apart);
    printf("%lld\n", now(CLOCK_REALTIME));
    close(open("/etc/shadow", O_RDONLY | O_CLOEXEC));
  }
}

int main(int count, char **words) {
  if (count == 3 && strcmp(words[1], "exec") == 0)
    repeat(start_true, atof(words[2]), 0);
  else if (count == 4 && strcmp(words[1], "open") == 0)
    repeat(open_file, atof(words[2]), atof(words[3]));
  else if (count == 4 && strcmp(words[1], "deed") == 0)
    deeds(atol(words[2]), atol(words[3]));
  else
    return 2;
  return 0;
}
