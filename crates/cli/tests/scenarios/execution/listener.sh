# in: container
# fires:
# As services of FastCGI begin: what they accept from is their standard input.
perl -e 'socket(S, 2, 1, 6); bind(S, pack("S n C4 x8", 2, 9000, 127, 0, 0, 1)); listen(S, 5);
  syscall(33, fileno(S), 0); exec "true"'
