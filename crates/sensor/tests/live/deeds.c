/* Things that may be refused: each returns what the kernel said of it, 0 or an error's number. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sched.h>

#define DEED(name) if (!strcmp(deed, name))
#define AS_TOLD(result) ((result) < 0 ? errno : 0)
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* What a child made of it. */
static int of_child(pid_t child)
{
	int status = 0;

	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

static int execute(int folder, const char *path, char *const *arguments, int flags)
{
	pid_t child = fork();

	if (!child) {
		syscall(SYS_execveat, folder, path, arguments, environ, flags);
		_exit(errno);
	}
	return of_child(child);
}

static int of_memory(const char *path)
{
	char *arguments[] = { "true", 0 }, block[65536];
	int from = open(path, O_RDONLY), to = memfd_create("made", 0);
	ssize_t size;

	while ((size = read(from, block, sizeof(block))) > 0)
		write(to, block, size);
	return execute(to, "", arguments, AT_EMPTY_PATH);
}

static int map(const char *path, int first, int then)
{
	int file = open(path, O_RDONLY);
	void *memory = mmap(0, 4096, first, MAP_PRIVATE, file, 0);

	if (memory == MAP_FAILED)
		return errno;
	return AS_TOLD(first == then ? 0 : mprotect(memory, 4096, then));
}

/* What is asked of the kernel by a queue, not by a call. */
static int by_queue(const char *path)
{
	struct io_uring_params parameters = {};
	int queue = syscall(SYS_io_uring_setup, 4, &parameters);
	char *rings;
	struct io_uring_sqe *entry;
	struct io_uring_cqe *done;

	if (queue < 0)
		return errno;
	rings = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, queue, IORING_OFF_SQ_RING);
	entry = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, queue, IORING_OFF_SQES);
	memset(entry, 0, sizeof(*entry));
	entry->opcode = IORING_OP_OPENAT;
	entry->fd = AT_FDCWD;
	entry->addr = (unsigned long)path;
	entry->flags = IOSQE_ASYNC;
	*(unsigned *)(rings + parameters.sq_off.array) = 0;
	*(unsigned *)(rings + parameters.sq_off.tail) = 1;
	if (syscall(SYS_io_uring_enter, queue, 1, 1, IORING_ENTER_GETEVENTS, 0, 0) < 0)
		return errno;
	done = (void *)(rings + parameters.cq_off.cqes);
	return done->res < 0 ? -done->res : 0;
}

/* `how`: a kind of socket, and what is done with it. */
static int reach(const char *how, const char *address, const char *port)
{
	struct sockaddr_in short_one = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
	struct sockaddr_in6 long_one = { .sin6_family = AF_INET6, .sin6_port = htons(atoi(port)) };
	int is_long = !inet_pton(AF_INET, address, &short_one.sin_addr);
	struct sockaddr *to = is_long ? (void *)&long_one : (void *)&short_one;
	socklen_t size = is_long ? sizeof(long_one) : sizeof(short_one);
	int type = strstr(how, "udp") ? SOCK_DGRAM : strstr(how, "raw") ? SOCK_RAW : SOCK_STREAM;
	int protocol = strstr(how, "raw") ? IPPROTO_ICMP : strstr(how, "mptcp") ? IPPROTO_MPTCP : 0;
	int family = is_long || strstr(how, "wide") ? AF_INET6 : AF_INET, end;
	struct msghdr message = { .msg_name = to, .msg_namelen = size };
	struct iovec text = { "x", 1 };

	if (is_long)
		inet_pton(AF_INET6, address, &long_one.sin6_addr);
	if (strstr(how, "blank"))
		to->sa_family = AF_UNSPEC;
	message.msg_iov = &text;
	message.msg_iovlen = 1;
	end = socket(family, type | SOCK_NONBLOCK, protocol);
	if (end < 0)
		return errno;
	if (strstr(how, "connect")) {
		int error = AS_TOLD(connect(end, to, size));

		return error == EINPROGRESS ? 0 : error;
	}
	if (strstr(how, "message"))
		return AS_TOLD(sendmsg(end, &message, 0));
	end = AS_TOLD(sendto(end, "x", 1, strstr(how, "fast") ? MSG_FASTOPEN : 0, to, size));
	return end == EINPROGRESS ? 0 : end;
}

static int new_mount(const char *place)
{
	int context = syscall(SYS_fsopen, "tmpfs", 0), mount;

	if (context < 0 || syscall(SYS_fsconfig, context, 6 /* create */, 0, 0, 0) < 0)
		return errno;
	mount = syscall(SYS_fsmount, context, 0, 0);
	if (mount < 0 || !place)
		return AS_TOLD(mount);
	return AS_TOLD(syscall(SYS_move_mount, mount, "", AT_FDCWD, place, 4 /* empty path */));
}

static int trace(const char *deed)
{
	static char word[8];
	struct iovec from = { word, 8 }, to = { word, 8 };
	char path[64];
	pid_t child = fork();
	int error;

	if (!child) {
		if (!strcmp(deed, "traceme"))
			_exit(AS_TOLD(ptrace(PTRACE_TRACEME, 0, 0, 0)));
		pause();
		_exit(0);
	}
	if (!strcmp(deed, "traceme"))
		return of_child(child);
	sprintf(path, "/proc/%d/mem", child);
	if (!strcmp(deed, "trace"))
		error = AS_TOLD(ptrace(PTRACE_SEIZE, child, 0, 0));
	else if (!strcmp(deed, "memory"))
		error = AS_TOLD(open(path, O_RDWR));
	else
		error = AS_TOLD(process_vm_writev(child, &from, 1, &to, 1, 0));
	kill(child, SIGKILL);
	waitpid(child, 0, 0);
	return error;
}

static int load_program(void)
{
	struct bpf_insn end[] = { { .code = 0xb7 }, { .code = 0x95 } };
	union bpf_attr ask = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = 2,
			       .insns = (unsigned long)end, .license = (unsigned long)"GPL" };

	return AS_TOLD(syscall(SYS_bpf, BPF_PROG_LOAD, &ask, sizeof(ask)));
}

/* Takes it away again. */
static int of_module(int result, const char *name)
{
	int error = AS_TOLD(result);

	if (!error)
		syscall(SYS_delete_module, name, 0);
	return error;
}

static int file_deed(const char *deed, const char *path, const char *other, const char *third)
{
	char text[4096];

	DEED("read") return AS_TOLD(open(path, O_RDONLY));
	DEED("write") return AS_TOLD(open(path, O_WRONLY));
	DEED("create") return AS_TOLD(open(path, O_CREAT | O_EXCL | O_WRONLY, 0600));
	DEED("empty") return AS_TOLD(open(path, O_RDONLY | O_TRUNC));
	DEED("truncate") return AS_TOLD(truncate(path, 0));
	DEED("unlink") return AS_TOLD(unlink(path));
	DEED("mkdir") return AS_TOLD(mkdir(path, 0700));
	DEED("rmdir") return AS_TOLD(rmdir(path));
	DEED("mknod") return AS_TOLD(mknod(path, S_IFIFO | 0600, 0));
	DEED("chmod") return AS_TOLD(chmod(path, 0640));
	DEED("fchmod") return AS_TOLD(fchmod(open(path, O_RDONLY), 0640));
	DEED("chown") return AS_TOLD(chown(path, 1, 1));
	DEED("symlink") return AS_TOLD(symlink(path, other));
	DEED("link") return AS_TOLD(link(path, other));
	DEED("rename") return AS_TOLD(rename(path, other));
	DEED("exchange") return AS_TOLD(syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, other, 2));
	DEED("relative") return chdir(path) ? 201 : AS_TOLD(open(other, O_RDONLY));
	DEED("chroot") return chroot(path) || chdir("/") ? 201 : AS_TOLD(open(other, O_RDONLY));
	DEED("queue") return by_queue(path);
	DEED("handle") {
		sprintf(text, "/proc/self/fd/%d", open(path, O_PATH));
		return AS_TOLD(open(text, O_RDONLY));
	}
	DEED("root") {
		sprintf(text, "/proc/self/root%s", path);
		return AS_TOLD(open(text, O_RDONLY));
	}
	DEED("bound") {
		if (unshare(CLONE_NEWNS) || mount(0, "/", 0, MS_REC | MS_PRIVATE, 0) ||
		    mount(path, other, 0, MS_BIND, 0))
			return 201;
		sprintf(text, "%s/%s", other, third);
		return AS_TOLD(open(text, O_RDONLY));
	}
	DEED("tree") {
		int tree = syscall(SYS_open_tree, AT_FDCWD, path, 1 /* clone */);

		return tree < 0 ? 201 : AS_TOLD(openat(tree, other, O_RDONLY));
	}
	return 202;
}

static int deed_of(const char *deed, char **arguments)
{
	const char *path = arguments[0] ? arguments[0] : "", *other = path[0] ? arguments[1] : 0;
	char *nothing[] = { "true", 0 };

	/* What is mounted is gone with its namespace. */
	if (strstr("mount remount reconfigure unmount pivot new-mount move-mount", deed) && unshare(CLONE_NEWNS))
		return 201;
	DEED("exec") return execute(AT_FDCWD, path, arguments, 0);
	DEED("exec-handle") return execute(open(path, O_PATH), "", nothing, AT_EMPTY_PATH);
	DEED("exec-memory") return of_memory(path);
	DEED("map") return map(path, PROT_READ | PROT_EXEC, PROT_READ | PROT_EXEC);
	DEED("protect") return map(path, PROT_READ, PROT_READ | PROT_EXEC);
	DEED("mount") return AS_TOLD(mount("none", path, "tmpfs", 0, 0));
	DEED("remount") return AS_TOLD(mount("none", path, 0, MS_REMOUNT, 0));
	DEED("reconfigure") return AS_TOLD(syscall(SYS_fsconfig, syscall(SYS_fspick, AT_FDCWD, path, 0),
						   7 /* reconfigure */, 0, 0, 0));
	DEED("unmount") return AS_TOLD(umount2(path, MNT_DETACH));
	DEED("pivot") return AS_TOLD(syscall(SYS_pivot_root, path, path));
	DEED("new-mount") return new_mount(0);
	DEED("move-mount") return new_mount(path);
	DEED("module") return of_module(syscall(SYS_finit_module, open(path, O_RDONLY), "", 0), other);
	DEED("module-data") {
		static char data[1 << 20];
		int size = read(open(path, O_RDONLY), data, sizeof(data));

		return of_module(syscall(SYS_init_module, data, size, ""), other);
	}
	/* Nothing provides this, so that the kernel asks for it: by a program that makes a file. */
	DEED("module-request") {
		unlink(path);
		socket(AF_X25, SOCK_SEQPACKET, 0);
		return access(path, F_OK) ? EPERM : 0;
	}
	DEED("bpf") return load_program();
	DEED("reach-often") {
		for (int left = atoi(arguments[2]); left; left--)
			reach("udp-send", path, other);
		return 0;
	}
	if (!strncmp(deed, "reach-", 6))
		return reach(deed + 6, path, other);
	if (strstr("trace traceme memory process-memory", deed))
		return trace(deed);
	return file_deed(deed, path, other, other ? arguments[2] : 0);
}
