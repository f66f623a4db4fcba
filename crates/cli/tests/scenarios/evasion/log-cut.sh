# in: container
# fires: evasion-log-cleared
truncate -s 0 /var/log/auth.log
