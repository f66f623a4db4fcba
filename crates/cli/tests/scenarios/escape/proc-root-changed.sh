# in: container --pid host
# fires: escape-host-processes escape-proc-root
# Through the root of a process, and not to open a file.
mkdir /proc/$$/root/tmp/lazaret-scenario
chmod 700 /proc/./$$/root/tmp/lazaret-scenario
