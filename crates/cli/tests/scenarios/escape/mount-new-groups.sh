# in: container --cap-add SYS_ADMIN --security-opt apparmor=unconfined
# fires: escape-capable-container escape-release-agent
perl -e 'my $kind = "cgroup"; syscall(430, $kind, 0) >= 0 or die $!'
