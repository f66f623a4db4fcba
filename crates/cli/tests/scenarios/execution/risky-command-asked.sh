# in: container
# fires: execution-drift
for name in setenforce iptables systemctl chattr; do cp /bin/busybox /tmp/$name; done
/tmp/iptables -L -n
/tmp/systemctl status auditd
/tmp/systemctl restart nginx
/tmp/chattr -i /etc/passwd
# As engines flush what is their own.
/tmp/iptables -t nat -F DOCKER
/tmp/systemctl --now disable nginx
