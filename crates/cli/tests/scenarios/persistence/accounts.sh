# in: container
# fires: persistence-accounts credentials-password-file
echo 'other::0:0::/:/bin/sh' >> /etc/../etc/passwd
sed -i 's/^root:.*/root::1:0:99999:7:::/' /etc/shadow
