/* The least that anybody pays who looks at system calls: a program at their end that does nothing,
 * attached until the standard input ends. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  struct bpf_insn nothing[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
      {.code = BPF_JMP | BPF_EXIT},
  };
  LIBBPF_OPTS(bpf_prog_load_opts, options);
  options.expected_attach_type = BPF_TRACE_RAW_TP;
  int place = libbpf_find_vmlinux_btf_id("sys_exit", BPF_TRACE_RAW_TP);
  if (place < 0)
    return fprintf(stderr, "the kernel's types have no sys_exit: %d\n", place), 1;
  options.attach_btf_id = place;
  int program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "empty", "GPL", nothing, 2, &options);
  if (program < 0)
    return perror("loading an empty program"), 1;
  if (bpf_raw_tracepoint_open(NULL, program) < 0)
    return perror("attaching an empty program"), 1;
  puts("attached");
  fflush(stdout);
  char byte;
  return read(0, &byte, 1) == 0 ? 0 : 1;
}
