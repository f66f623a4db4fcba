# in: container
# fires: persistence-login-script
# As `sed -i` writes.
echo 'x' > /root/new
mv /root/new /root/.profile
