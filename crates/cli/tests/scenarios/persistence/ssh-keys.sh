# in: container
# fires: persistence-ssh-keys
mkdir /root/.ssh
echo 'ssh-ed25519 AAAA somebody' >> /root/.ssh/authorized_keys
