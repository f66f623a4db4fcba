# in: container --cap-add SYS_PTRACE
# fires: escape-capable-container execution-process-injected
sleep 2 &
perl -e 'open(M, "+<", "/proc/$ARGV[0]/mem") or die $!' $!
