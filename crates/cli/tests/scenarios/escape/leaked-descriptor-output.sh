# in: container
# fires:
# As images of web servers have it.
ln -s /dev/stdout /var/log/access.log
ln -s /proc/self/fd /tmp/descriptors
cd /proc/self
# What is open already is opened anew.
echo line > /proc/self/fd/1
exec 7> /tmp/file
echo line > /proc/self/fd/7
