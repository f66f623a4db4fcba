# in: container --pid host -v /proc:/machine:ro
# fires: escape-host-processes escape-proc-root
# From a folder that is open, over what leads elsewhere, and by another mount.
perl -e '$folder = "/proc/$$"; $file = "root/etc/passwd";
  $open = syscall(257, -100, $folder, 0200000); syscall(257, $open, $file, 0)'
cat /proc/self/net/../../$$/root/etc/passwd > /dev/null
cat /machine/$$/root/etc/passwd > /dev/null
