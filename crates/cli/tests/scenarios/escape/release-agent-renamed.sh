# in: container -v /sys/fs/cgroup/memory/release_agent:/ra
# fires: escape-release-agent escape-host-mount
: >> /ra
