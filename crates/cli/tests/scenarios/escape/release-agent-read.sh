# in: container
# fires:
ls /sys/fs/cgroup
cat /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/cgroup.procs
