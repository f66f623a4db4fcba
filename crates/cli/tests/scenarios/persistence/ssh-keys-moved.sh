# in: container
# fires: persistence-ssh-keys
# The folder is moved to its place with the keys in it.
mkdir /root/.x
echo 'ssh-ed25519 AAAA' > /root/.x/authorized_keys
mv /root/.x /root/.ssh
