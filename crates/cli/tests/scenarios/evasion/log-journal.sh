# in: container
# fires: evasion-log-cleared
mkdir -p /var/log/journal/0
touch /var/log/journal/0/system.journal
rm -rf /var/log/journal/0
