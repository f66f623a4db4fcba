# in: container
# fires: credentials-private-files
mv /home/web/.ssh/id_ed25519 /tmp/notes
cat /tmp/notes > /dev/null
