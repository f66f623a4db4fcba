# in: container
# fires: execution-risky-command execution-drift
for name in iptables systemctl pkill; do cp /bin/busybox /tmp/$name; done
/tmp/iptables -t nat -F
/tmp/iptables -P INPUT ACCEPT
/tmp/systemctl --now disable auditd
/tmp/pkill -9 auditd
