# in: container --pid host --cap-add SYS_PTRACE -v /proc:/machine:ro
# fires: escape-capable-container escape-host-processes escape-proc-root
# From a folder that is open, over what leads elsewhere, and by another mount.
perl -e '$folder = "/proc/1"; $file = "root/etc/hostname";
  $open = syscall(257, -100, $folder, 0200000); syscall(257, $open, $file, 0)'
cat /proc/self/net/../../1/root/etc/hostname
cat /machine/1/root/etc/hostname
