# in: container
# fires:
nc -l -p 4461 < /dev/null &
sleep 0.3
perl -e 'socket(S, 2, 1, 0); $first = "hello"; $to = pack("S n C4 x8", 2, 4461, 127, 0, 0, 1);
  syscall(44, fileno(S), $first, 5, 0x20000000, $to, 16)'
