# in: container --cap-add SYS_ADMIN --security-opt apparmor=unconfined
# fires: escape-capable-container escape-raw-disk
# As far as the disk is named.
perl -e 'my ($kind, $key, $value) = ("ext4", "source", "/dev/sdz"); my $context = syscall(430, $kind, 0);
  syscall(431, $context, 1, $key, $value, 0) == 0 or die $!'
