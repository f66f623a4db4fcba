# in: container
# fires:
# As images of web servers have it.
ln -s /dev/stdout /var/log/access.log
ln -s /proc/self/fd /tmp/descriptors
cd /proc/self
