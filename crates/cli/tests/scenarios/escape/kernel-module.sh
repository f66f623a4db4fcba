# in: container
# fires: escape-kernel-module
perl -e 'open(F, "<", "/etc/passwd"); my $no = ""; syscall(313, fileno(F), $no, 0)'
