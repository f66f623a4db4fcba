# in: container
# fires: network-metadata
nc -w 1 169.254.169.254 80
