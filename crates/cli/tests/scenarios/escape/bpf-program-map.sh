# in: container --cap-add SYS_ADMIN
# fires: escape-capable-container
perl -e 'my $array = pack("L5 x100", 2, 4, 4, 1, 0); syscall(321, 0, $array, 128)'
