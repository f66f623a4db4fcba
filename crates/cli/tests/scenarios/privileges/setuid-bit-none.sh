# in: container
# fires:
cp /bin/busybox /tmp/shell
chmod 2755 /tmp/shell
chmod 0644 /tmp/shell
