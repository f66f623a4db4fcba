# in: container
# fires:
cat /proc/sys/kernel/core_pattern
: >> /proc/sys/kernel/core_pattern
