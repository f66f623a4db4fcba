# in: container
# fires: evasion-log-cleared
: > /var/log/auth.log
rm /var/log/auth.log
ln -s /dev/null /var/log/wtmp
