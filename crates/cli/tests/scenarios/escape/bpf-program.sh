# in: container --cap-add SYS_ADMIN
# fires: escape-capable-container escape-bpf-program
perl -e 'my $no = "\0" x 128; syscall(321, 5, $no, 128)'
