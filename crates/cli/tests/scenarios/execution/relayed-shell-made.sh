# in: container
# fires: execution-relayed-shell
# As Popen, spawn and proc_open do: two pipes, and whoever has the connection between them.
sleep 2 | nc -l -p 4455 &
sleep 0.3
perl -e 'socket(S, 2, 1, 6); connect(S, pack("S n C4 x8", 2, 4455, 127, 0, 0, 1)) or die $!;
  pipe(IR, IW); pipe(OR, OW);
  if (!fork) { open(STDIN, "<&IR"); open(STDOUT, ">&OW"); close(IW); close(OR); exec "sh" }
  close(IR); close(OW); syswrite(IW, "id\n"); close(IW); sysread(OR, $said, 999); wait'
