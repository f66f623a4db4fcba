# in: container
# fires: credentials-private-files
base64 /home/web/.ssh/id_ed25519
