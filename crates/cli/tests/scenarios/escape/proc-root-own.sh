# in: container
# fires:
cat /proc/self/root/etc/passwd /proc/1/root/etc/passwd /proc/1/status
