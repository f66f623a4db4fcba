# in: container
# fires: execution-fileless
perl -e 'my $name = ""; my $fd = syscall(319, $name, 0); open(M, ">&=", $fd); open(B, "<", "/bin/busybox");
  binmode B; local $/; print M <B>; close B; select(M); $| = 1; exec {"/proc/self/fd/$fd"} "true"'
