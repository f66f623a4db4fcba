# in: container --pid host
# fires: escape-host-processes escape-proc-root
# Of the first process where this one may look into it, as in a privileged container.
cat /proc/1/root/etc/hostname /proc/$$/root/etc/passwd
