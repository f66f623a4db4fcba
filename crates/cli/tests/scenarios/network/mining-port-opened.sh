# in: container
# fires: network-mining-port
# What is sent first opens the connection (TCP Fast Open), and nothing calls connect.
perl -e 'socket(S, 2, 1, 0); $first = "login"; $to = pack("S n C4 x8", 2, 3333, 192, 0, 2, 7);
  syscall(44, fileno(S), $first, 5, 0x20000000, $to, 16)'
