# in: container
# fires: escape-device-made
mknod /tmp/memory c 1 1
