# in: container
# fires: evasion-log-cleared
mv /var/log/auth.log /tmp/log
