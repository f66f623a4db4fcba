# in: container
# fires: escape-kernel-replaced
perl -e 'syscall(246, 0, 0, 0, 0)'
