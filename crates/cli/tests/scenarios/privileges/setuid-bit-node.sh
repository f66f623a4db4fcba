# in: container
# fires: privileges-setuid-bit
perl -e 'my $path = "/tmp/node"; syscall(133, $path, 0104755, 0) == 0 or die $!'
