# in: container
# fires: credentials-password-file
cat /etc/shadow
