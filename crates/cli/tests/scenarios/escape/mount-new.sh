# in: container --cap-add SYS_ADMIN --security-opt apparmor=unconfined
# fires: escape-capable-container escape-mount
# By the new calls: fsopen, fsconfig, fsmount, move_mount.
perl -e 'my ($kind, $key, $value, $empty, $target) = ("tmpfs", "source", "none", "", "/tmp");
  my $context = syscall(430, $kind, 0); syscall(431, $context, 1, $key, $value, 0) == 0 or die $!;
  syscall(431, $context, 6, 0, 0, 0) == 0 or die $!; my $mount = syscall(432, $context, 0, 0);
  syscall(429, $mount, $empty, -100, $target, 4) == 0 or die $!'
