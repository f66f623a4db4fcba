# in: container
# fires:
perl -e 'syscall(272, 0x10000000)'
perl -e 'syscall(272, 0x400)'
