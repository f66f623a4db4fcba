# in: container --security-opt seccomp=unconfined
# fires: privileges-user-namespace
perl -e 'syscall(272, 0x10000000) == 0 or die $!'
