# in: container
# fires: privileges-setuid-bit
cp /bin/busybox /tmp/shell
chmod 4755 /tmp/shell
