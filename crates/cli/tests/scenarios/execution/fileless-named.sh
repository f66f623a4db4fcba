# in: container
# fires: execution-fileless
# Under the names that a runtime has for its copy of itself.
perl -e 'open(N, ">", "/proc/self/comm"); print N "runc"; close N; my $name = "runc_cloned:/proc/self/exe";
  my $fd = syscall(319, $name, 0); open(M, ">&=", $fd); open(B, "<", "/bin/busybox"); binmode B; local $/;
  print M <B>; close B; select(M); $| = 1; exec {"/proc/self/fd/$fd"} "true"'
