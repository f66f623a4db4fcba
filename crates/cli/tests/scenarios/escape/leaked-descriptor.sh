# in: container
# fires: escape-leaked-descriptor
exec 7< /etc
cd /proc/self/fd/7
ln -s /proc/self/fd/7 /tmp/way
