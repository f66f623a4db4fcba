# in: container
# fires: credentials-private-files
read key < /home/web/.ssh/id_ed25519
