# in: container
# fires: credentials-password-file
# What is read is not called shadow.
ln /etc/shadow /tmp/words
cat /tmp/words > /dev/null
