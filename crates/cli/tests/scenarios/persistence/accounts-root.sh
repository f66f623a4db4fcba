# in: container
# fires: persistence-accounts execution-drift
cp /bin/busybox /tmp/useradd
/tmp/useradd -o -u 0 -g 0 other
