# in: container --cap-add SYS_ADMIN --security-opt apparmor=unconfined
# fires: escape-capable-container escape-mount execution-fileless
# The first program of a container, which its engine is the parent of, in memory that is called as runc's.
exec perl -e 'my $name = "runc_cloned:/proc/self/exe"; my $fd = syscall(319, $name, 0);
  open(M, ">&=", $fd); open(B, "<", "/usr/bin/perl"); binmode B; local $/;
  print M <B>; close B; select(M); $| = 1; exec {"/proc/self/fd/$fd"} "perl", "-e",
    q(my @texts = ("none", "/tmp", "tmpfs"); syscall(165, @texts, 0, 0) == 0 or die $!)'
