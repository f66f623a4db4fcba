# in: container
# fires: execution-drift execution-relayed-shell
# It connects when the shell has long been there, and has its name from nobody.
sleep 2 | nc -l -p 4453 &
sleep 0.3
cp /usr/bin/perl /tmp/journal
{ exec /tmp/journal -e 'sleep 1; socket(S, 2, 1, 6); connect(S, pack("S n C4 x8", 2, 4453, 127, 0, 0, 1)) or die $!;
  print while sysread(S, $_, 999)'; } | bash --norc -o pipefail
