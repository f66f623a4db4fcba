# in: container
# fires: escape-runtime-socket
nc -w 1 127.0.0.1 10250
