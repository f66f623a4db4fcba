# in: container
# fires: privileges-setuid-bit
perl -e 'sysopen(F, "/tmp/made", 0101, 04755) or die $!'
