/* Does one thing that the test names, and nothing else that could be taken for it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
static long compat(long number, long first, long second, long third)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(first), "c"(second), "d"(third)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

/* Memory that 32 bits can name. */
static char *low(const char *text)
{
	char *memory = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	strcpy(memory, text);
	return memory;
}
#else
/* No instruction leads to the calls of 32 bits: this program built for them does the rest. */
static void become_compat(char **arguments)
{
	execv(getenv("LAZARET_TEST_ACTS_OF_COMPAT"), arguments);
	_exit(9);
}
#endif

static int listener(int family, struct sockaddr *address, socklen_t *size)
{
	int server = socket(family, SOCK_STREAM, 0);

	bind(server, address, *size);
	listen(server, 1);
	getsockname(server, address, size);
	return server;
}

static void over(int family, struct sockaddr *address, socklen_t size)
{
	int server = listener(family, address, &size);
	int client = socket(family, SOCK_STREAM, 0);

	connect(client, address, size);
	accept(server, 0, 0);
	dup2(client, 0);
}

static void deep(int depth)
{
	char name[] = "dddddddddddddddddddd";

	while (depth--) {
		mkdir(name, 0700);
		if (chdir(name))
			exit(9);
	}
	open("file", O_CREAT | O_RDWR, 0600);
}

#include "deeds.c"

/* A call by its number, `abi:number`, with arguments that no call takes. */
static void by_number(const char *text)
{
	long number = atol(strchr(text, ':') + 1);

	if (!strncmp(text, "native", 6))
		syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
#if defined(__x86_64__)
	if (!strncmp(text, "x32", 3))
		syscall(0x40000000 | number, -1L, -1L, -1L, -1L, -1L, -1L);
	if (!strncmp(text, "compat", 6) && number < 1000)
		compat(number, -1, -1, -1);
	if (!strncmp(text, "compat", 6) && number >= 1000)
		compat(102, number - 1000, -1, 0);
#endif
}

static void by_numbers(char **texts)
{
	for (char **text = texts; *text; text++)
		by_number(*text);
#if !defined(__x86_64__)
	char *rest[1024] = { "acts", "numbers" };
	int count = 2;

	for (char **text = texts; *text && count < 1023; text++)
		if (!strncmp(*text, "compat", 6))
			strcpy(rest[count++] = malloc(64), "native"), strcat(rest[count - 1], strchr(*text, ':'));
	if (count > 2)
		become_compat(rest);
#endif
}

/* Each thread's paths have its number in the beginning and at the end. */
static void *storm(void *count)
{
	int thread = syscall(SYS_gettid);
	char path[256];

	for (long left = (long)count; left > 0; left--) {
		snprintf(path, sizeof(path), "/storm/%d/%ld/%.*s/%d", thread, left, (int)(left % 100),
			 "dddddddddddddddddddddddddddddddddddddddddddddddddd"
			 "dddddddddddddddddddddddddddddddddddddddddddddddddd",
			 thread);
		syscall(SYS_mkdirat, AT_FDCWD, path, 0700);
	}
	return 0;
}

static void storms(int threads, long count)
{
	pthread_t all[64];

	for (int each = 0; each < threads; each++)
		pthread_create(&all[each], 0, storm, (void *)count);
	for (int each = 0; each < threads; each++)
		pthread_join(all[each], 0);
}

/* Questions for names in every way that resolvers ask, each with a name of its own; and beside them
 * what looks like it and goes elsewhere. */
static void names(void)
{
	struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = htons(53),
				      .sin_addr.s_addr = htonl(0x7f000001) }, other = server;
	char question[] = "\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01?\x07" "example\0\0\x01\0\x01";
	struct iovec bytes = { question, sizeof(question) - 1 };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
	struct mmsghdr messages = { message };
	int free, asking, elsewhere, stream, pair[2];

	other.sin_port = htons(9);
	free = socket(AF_INET, SOCK_DGRAM, 0);
	asking = socket(AF_INET, SOCK_DGRAM, 0);
	elsewhere = socket(AF_INET, SOCK_DGRAM, 0);
	connect(asking, (void *)&server, sizeof(server));
	connect(elsewhere, (void *)&other, sizeof(other));
	stream = socket(AF_INET, SOCK_STREAM, 0);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
#define ASK(name, ...) (question[13] = name, __VA_ARGS__)
#define LENGTH (sizeof(question) - 1)
	ASK('a', sendto(free, question, LENGTH, 0, (void *)&server, sizeof(server)));
	ASK('b', sendto(asking, question, LENGTH, 0, 0, 0));
	ASK('c', sendto(elsewhere, question, LENGTH, 0, (void *)&server, sizeof(server)));
	ASK('d', write(asking, question, LENGTH));
	ASK('d', write(asking, question, LENGTH));
	ASK('e', sendmsg(asking, &message, 0));
	ASK('e', sendmsg(asking, &message, 0));
	ASK('f', sendmmsg(asking, &messages, 1, 0));
	ASK('f', sendmmsg(asking, &messages, 1, 0));
	ASK('x', sendto(free, question, LENGTH, 0, (void *)&other, sizeof(other)));
	ASK('x', sendto(asking, question, LENGTH, 0, (void *)&other, sizeof(other)));
	ASK('x', write(elsewhere, question, LENGTH));
	ASK('x', write(1, question, 0));
	ASK('x', write(pair[0], question, LENGTH));
	ASK('x', sendmsg(pair[0], &message, 0));
	ASK('x', sendto(stream, question, LENGTH, MSG_NOSIGNAL, (void *)&server, sizeof(server)));
	ASK('x', write(open("/dev/null", O_WRONLY), question, LENGTH));
	ASK('x', write(-1, question, LENGTH));
	message.msg_name = &server;
	message.msg_namelen = sizeof(server);
	ASK('g', sendmsg(free, &message, 0));
}

int main(int count, char **arguments)
{
	const char *act = count > 1 ? arguments[1] : "";
	const char *path = count > 2 ? arguments[2] : "";

	if (!strcmp(act, "wait"))
		pause();
	if (!strcmp(act, "deed"))
		return deed_of(path, arguments + 3);
	if (!strcmp(act, "open"))
		syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
#if defined(__x86_64__)
	/* The kernel looks at the low half of the number. */
	if (!strcmp(act, "high-open"))
		syscall(0x4711L << 32 | SYS_openat, AT_FDCWD, path, O_RDONLY);
	if (!strcmp(act, "high-x32-open"))
		syscall(0x4711L << 32 | 0x40000000 | SYS_open, path, O_RDONLY);
#elif __SIZEOF_LONG__ == 8
	if (!strcmp(act, "high-open"))
		syscall(0x4711L << 32 | SYS_openat, AT_FDCWD, path, O_RDONLY);
#endif
	if (!strcmp(act, "openat"))
		syscall(SYS_openat, open(path, O_DIRECTORY), arguments[3], O_RDWR);
	if (!strcmp(act, "v4")) {
		struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
		over(AF_INET, (void *)&address, sizeof(address));
	}
	if (!strcmp(act, "v6")) {
		struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
		over(AF_INET6, (void *)&address, sizeof(address));
	}
	if (!strcmp(act, "unix")) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		strcpy(address.sun_path, path);
		over(AF_UNIX, (void *)&address, sizeof(address));
	}
	if (!strcmp(act, "abstract")) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		strcpy(address.sun_path + 1, path);
		over(AF_UNIX, (void *)&address, 2 + 1 + strlen(path));
	}
	if (!strcmp(act, "refused")) {
		struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(1),
					       .sin_addr.s_addr = htonl(0x7f000001) };
		connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&address, sizeof(address));
	}
	if (!strcmp(act, "fast-open")) {
		struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(1),
					       .sin_addr.s_addr = htonl(0x7f000001) };
		struct iovec bytes = { "first", 5 };
		struct mmsghdr message = { { .msg_name = &address, .msg_namelen = sizeof(address),
					     .msg_iov = &bytes, .msg_iovlen = 1 } };
		int pair[2];
		sendto(socket(AF_INET, SOCK_STREAM, 0), "first", 5, MSG_FASTOPEN, (void *)&address, sizeof(address));
		sendmsg(socket(AF_INET, SOCK_STREAM, 0), &message.msg_hdr, MSG_FASTOPEN);
		sendmmsg(socket(AF_INET, SOCK_STREAM, 0), &message, 1, MSG_FASTOPEN);
		socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
		sendto(pair[0], "next", 4, 0, 0, 0);
		sendmsg(pair[0], &(struct msghdr){ .msg_iov = &bytes, .msg_iovlen = 1 }, 0);
	}
	if (!strcmp(act, "datagram")) {
		struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(53),
					       .sin_addr.s_addr = htonl(0x7f000001) };
		sendto(socket(AF_INET, SOCK_DGRAM, 0), "question", 8, 0, (void *)&address, sizeof(address));
	}
	if (!strcmp(act, "names"))
		names();
	if (!strcmp(act, "datagrams")) {
		struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(53),
					       .sin_addr.s_addr = htonl(0x7f000001) };
		char question[] = "\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x04pool\x07" "example\0\0\x01\0\x01";
		struct iovec bytes = { question, sizeof(question) - 1 };
		struct mmsghdr messages[2] = { { { .msg_iov = &bytes, .msg_iovlen = 1 } },
					       { { .msg_iov = &bytes, .msg_iovlen = 1 } } };
		int client = socket(AF_INET, SOCK_DGRAM, 0);
		connect(client, (void *)&address, sizeof(address));
		sendmmsg(client, messages, 2, 0);
	}
	if (!strcmp(act, "truncate")) {
		truncate(path, 3);
		ftruncate(open(path, O_RDWR), 2);
	}
	if (!strcmp(act, "mount-new")) {
		int context = syscall(SYS_fsopen, "tmpfs", 0), mount;
		syscall(SYS_fsconfig, context, 1, "source", "nothing", 0);
		syscall(SYS_fsconfig, context, 0, "ro", "not a value", 0);
		syscall(SYS_fsconfig, context, 6, 0, 0, 0);
		mount = syscall(SYS_fsmount, context, 0, 0);
		syscall(SYS_open_tree, AT_FDCWD, path, 1);
		close(mount);
	}
	if (!strcmp(act, "memory")) {
		int memory = memfd_create("nothing", 0), from = open("/bin/true", O_RDONLY);
		char bytes[4096], *none[] = { "true", 0 };
		long size;
		while ((size = read(from, bytes, sizeof(bytes))) > 0)
			write(memory, bytes, size);
		fexecve(memory, none, none + 1);
	}
#if defined(__x86_64__)
	if (!strcmp(act, "compat-open"))
		compat(5, (long)low(path), O_RDONLY, 0);
	if (!strcmp(act, "compat-socketcall")) {
		int *words = (int *)low("");
		words[0] = AF_INET, words[1] = SOCK_STREAM, words[2] = 0;
		compat(102, 1, (long)words, 0);
	}
	if (!strcmp(act, "x32-open"))
		syscall(0x40000000 | SYS_open, path, O_RDONLY);
#elif defined(SYS_open)
	if (!strcmp(act, "compat-open"))
		syscall(SYS_open, path, O_RDONLY);
	if (!strcmp(act, "compat-socket"))
		socket(AF_INET, SOCK_STREAM, 0);
	if (!strcmp(act, "compat-datagram")) {
		struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(53),
					       .sin_addr.s_addr = htonl(0x7f000001) };
		struct iovec bytes = { "question", 8 };
		struct msghdr message = { .msg_name = &address, .msg_namelen = sizeof(address),
					  .msg_iov = &bytes, .msg_iovlen = 1 };
		sendmsg(socket(AF_INET, SOCK_DGRAM, 0), &message, 0);
	}
#else
	if (!strncmp(act, "compat-", 7))
		become_compat(arguments);
#endif
	if (!strcmp(act, "numbers"))
		by_numbers(arguments + 2);
	if (!strcmp(act, "storm"))
		storms(atoi(path), atol(arguments[3]));
	if (!strcmp(act, "getpids"))
		for (long left = atol(path); left > 0; left--)
			syscall(SYS_getpid);
	if (!strcmp(act, "closes"))
		for (long left = atol(path); left > 0; left--)
			close(-1);
	if (!strcmp(act, "deep"))
		deep(atoi(path));
	if (!strcmp(act, "setuid"))
		setresuid(1, 2, 3);
	if (!strcmp(act, "fork")) {
		if (!fork())
			_exit(7);
		wait(0);
	}
	if (!strcmp(act, "killed"))
		raise(9);
	if (!strcmp(act, "opens"))
		for (long left = atol(path); left > 0; left--)
			close(syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY));
	/* More than its budget has, and then a connection. */
	if (!strcmp(act, "opens-and-connect")) {
		struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(1),
					       .sin_addr.s_addr = htonl(0x7f000001) };
		for (int round = 0; round < 20; round++) {
			for (long left = atol(path); left > 0; left--)
				close(syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY));
			connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&address, sizeof(address));
		}
	}
	if (!strcmp(act, "execs"))
		for (long left = atol(path); left > 0; left--) {
			int child = vfork();
			if (!child) {
				execl("/bin/true", "true", NULL);
				_exit(1);
			}
			waitpid(child, 0, 0);
		}
	return 0;
}
