# in: container
# fires: persistence-login-script
mkdir -p /etc/systemd/user
echo '[Service]' > /etc/systemd/user/cache.service
