# in: container
# fires:
wget -q -T 1 -O - http://127.0.0.1/
perl -e 'socket(S, 2, 1, 0); connect(S, pack("S n C4 x8", 2, 3333, 127, 0, 0, 1)); connect(S, pack("S n C4 x8", 2, 443, 192, 0, 2, 7))'
perl -e 'socket(S, 2, 2, 0); socket(T, 1, 1, 0)'
