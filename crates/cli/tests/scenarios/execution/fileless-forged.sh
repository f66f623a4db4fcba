# in: container
# fires: execution-fileless execution-drift persistence-system-program
# Below what has the path of an engine, and was written here.
cp /usr/bin/bash /usr/bin/podman
/usr/bin/podman -s <<'END'
perl -e 'my $name = "runc_cloned:/proc/self/exe"; my $fd = syscall(319, $name, 0);
  open(M, ">&=", $fd); open(B, "<", "/bin/busybox"); binmode B; local $/;
  print M <B>; close B; select(M); $| = 1; exec {"/proc/self/fd/$fd"} "true"'
true
END
