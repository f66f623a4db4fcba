# in: container
# fires: evasion-events-lost
# setgid, to what it is already.
perl -e 'for (1 .. 40000) { syscall(106, 0) }'
