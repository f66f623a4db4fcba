# in: container
# fires: execution-lateral-movement execution-drift
cp /bin/busybox /tmp/ssh
/tmp/ssh -i /root/key Rosa@somewhere.example uptime
