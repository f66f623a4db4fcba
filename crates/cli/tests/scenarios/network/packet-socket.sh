# in: container
# fires: network-packet-socket
perl -e 'socket(S, 17, 3, 768) or die $!'
