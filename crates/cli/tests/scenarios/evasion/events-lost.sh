# in: container
# fires: evasion-events-lost
perl -e 'for (1 .. 40000) { open(F, "<", "/dev/null") }'
