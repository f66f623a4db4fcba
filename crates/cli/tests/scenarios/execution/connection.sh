# in: container
# fires:
# A client and a server that talk, with pipes and files for streams.
echo hello | nc -l -p 4444 > /tmp/got &
sleep 0.3
echo hello | nc -w 1 127.0.0.1 4444 | cat
perl -e 'socket(S, 2, 1, 6); connect(S, pack("S n C4 x8", 2, 80, 127, 0, 0, 1)); open(O, ">&", STDOUT)'
