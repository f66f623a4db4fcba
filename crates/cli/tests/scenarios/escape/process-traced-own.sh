# in: container --cap-add SYS_PTRACE
# fires: escape-capable-container
sleep 2 &
perl -e 'syscall(101, 16, $ARGV[0] + 0, 0, 0); wait; syscall(101, 17, $ARGV[0] + 0, 0, 0)' $!
