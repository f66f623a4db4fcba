# in: container
# fires: evasion-log-cleared
# The folder goes with all that is in it; no log is touched.
mkdir -p /var/log/audit
echo 'type=LOGIN' >> /var/log/audit/audit.log
mv /var/log/audit /tmp/x
