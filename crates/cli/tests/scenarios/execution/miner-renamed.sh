# in: container
# fires: execution-miner
ln -s /bin/busybox /tmp/worker
/tmp/worker -a rx/0 -o 192.0.2.7:443 -u somebody
