# in: container
# fires: network-mining-port
perl -e 'socket(S, 2, 1, 0); connect(S, pack("S n C4 x8", 2, 3333, 192, 0, 2, 7))'
