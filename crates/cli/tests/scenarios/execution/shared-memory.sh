# in: container --tmpfs /dev/shm:exec
# fires: execution-shared-memory
# may: malware-executed malware-written
cp /bin/busybox /dev/shm/true
/dev/shm/true
