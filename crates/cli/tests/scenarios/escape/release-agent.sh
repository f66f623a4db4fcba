# in: container --cap-add SYS_ADMIN --security-opt apparmor=unconfined
# fires: escape-capable-container escape-release-agent escape-mount
mkdir /tmp/groups
mount -t cgroup -o cpu none /tmp/groups || mount -t cgroup -o memory none /tmp/groups ||
  mount -t cgroup -o freezer none /tmp/groups
cat /tmp/groups/release_agent
: >> /tmp/groups/release_agent
umount /tmp/groups
