# in: container
# fires: execution-risky-command execution-drift
for name in setenforce iptables chattr; do cp /bin/busybox /tmp/$name; done
/tmp/setenforce 0
/tmp/iptables -F
/tmp/chattr -R +i /etc/cron.d
