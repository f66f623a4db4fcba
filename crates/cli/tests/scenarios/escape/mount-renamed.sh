# in: container --cap-add SYS_ADMIN --security-opt apparmor=unconfined
# fires: escape-capable-container escape-mount
# Under the name that a runtime has while it makes a container.
perl -e 'open(N, ">", "/proc/self/comm"); print N "runc:[2:INIT]"; close N;
  my @texts = ("none", "/tmp", "tmpfs"); syscall(165, @texts, 0, 0) == 0 or die $!'
