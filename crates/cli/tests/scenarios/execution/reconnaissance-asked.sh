# in: container
# fires:
id
/bin/find /tmp -name '*.s' -perm 644
/bin/find /tmp -perm /0002
/bin/grep Cap /proc/self/status
