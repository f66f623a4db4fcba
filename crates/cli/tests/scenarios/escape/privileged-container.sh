# in: container --privileged
# fires: escape-privileged-container
true
