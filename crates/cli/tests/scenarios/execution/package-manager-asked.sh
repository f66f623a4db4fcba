# in: container
# fires:
# What is installed is asked about, and taken away.
ln -s /bin/busybox /tmp/apk
/tmp/apk info curl
/tmp/apk del add
dpkg -l
dpkg -r curl
