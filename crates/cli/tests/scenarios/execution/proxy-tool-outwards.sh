# in: container
# fires: execution-proxy-tool
ln -s /bin/busybox /tmp/cloudflared
/tmp/cloudflared tunnel run
