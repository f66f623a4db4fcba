# in: container --tmpfs /dev/shm:exec
# fires: execution-shared-memory
cp /bin/busybox /dev/shm/true
/dev/shm/true
