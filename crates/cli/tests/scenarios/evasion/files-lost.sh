# in: container
# fires: evasion-files-lost
perl -e 'for (1 .. 40000) { open(F, "<", "/dev/null") }'
