# in: container --cap-add DAC_READ_SEARCH
# fires: escape-capable-container escape-file-handle
perl -e 'my $handle = pack("L L L L", 8, 1, 2, 0); open(F, "<", "/"); syscall(304, fileno(F), $handle, 0)'
