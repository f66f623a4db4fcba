# in: container -v /sys/fs/cgroup:/groups:ro
# fires:
# As what measures a host does.
cat /groups/*/cgroup.procs /groups/cgroup.procs /sys/fs/cgroup/*/cgroup.procs > /dev/null
