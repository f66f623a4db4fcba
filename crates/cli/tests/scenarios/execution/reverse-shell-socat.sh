# in: host socat nc.traditional
# fires: execution-network-tool-shell execution-relayed-shell
sleep 2 | nc.traditional -l -p 47441 -q 1 > /dev/null &
sleep 0.3
socat -t 1 TCP:127.0.0.1:47441 EXEC:sh,pty
