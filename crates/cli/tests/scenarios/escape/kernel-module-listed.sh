# in: container
# fires:
cat /proc/modules
