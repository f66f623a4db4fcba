# in: container
# fires: persistence-accounts
mkdir -p /etc/ssh
echo PermitRootLogin yes >> /etc/ssh/sshd_config
