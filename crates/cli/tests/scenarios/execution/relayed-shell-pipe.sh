# in: container
# fires: execution-relayed-shell
sleep 2 | nc -l -p 4452 &
sleep 0.3
nc -w 2 127.0.0.1 4452 | sh
