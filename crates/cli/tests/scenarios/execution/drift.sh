# in: container
# fires: execution-drift
cp /bin/busybox /tmp/true
/tmp/true
