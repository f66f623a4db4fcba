# in: container
# fires: execution-attack-tool execution-drift
cp /bin/busybox /tmp/nmap
/tmp/nmap -sS 10.0.0.0/8
echo true > /tmp/linpeas.sh
sh /tmp/linpeas.sh -a
