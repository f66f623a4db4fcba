# in: container
# fires: escape-device-made
mknod /tmp/disk b 8 0
