# in: container
# fires: escape-runtime-socket
perl -e 'socket(S, 2, 1, 0); connect(S, pack("S n C4 x8", 2, 2375, 127, 0, 0, 1)) or die $!'
