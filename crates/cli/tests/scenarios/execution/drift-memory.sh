# in: container --tmpfs /run:exec
# fires: execution-drift
cp /bin/busybox /run/true
/run/true
