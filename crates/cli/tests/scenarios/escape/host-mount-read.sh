# in: container -v /etc:/host/etc:ro
# fires: escape-host-mount-read
cat /host/etc/hostname
: > /host/etc/lazaret-scenario
