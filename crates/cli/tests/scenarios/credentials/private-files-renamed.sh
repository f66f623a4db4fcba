# in: container
# fires:
# It stays where programs look for it.
mv /home/web/.ssh/id_ed25519 /home/web/.ssh/id_old
