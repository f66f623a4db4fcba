# in: container
# fires:
perl -e 'socket(S, 1, 1, 0); connect(S, pack("S a108", 1, "/run/mysqld/mysqld.sock")) or die $!'
perl -e 'socket(S, 2, 1, 0); connect(S, pack("S n C4 x8", 2, 5432, 127, 0, 0, 1)) or die $!'
