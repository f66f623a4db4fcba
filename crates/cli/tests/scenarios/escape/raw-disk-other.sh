# in: container
# fires:
dd if=/dev/zero of=/tmp/file bs=512 count=1
cat /proc/partitions /proc/mounts
