# in: container
# fires:
# Data in memory is no program.
perl -e 'my $name = "buffer"; my $fd = syscall(319, $name, 0); open(M, ">&=", $fd); print M "data"'
echo data > /dev/shm/segment
cat /dev/shm/segment
