# in: container
# fires: execution-reconnaissance
/bin/find / -xdev -type f -perm -4000
