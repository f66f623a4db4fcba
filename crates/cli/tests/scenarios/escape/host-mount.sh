# in: container -v /etc:/host/etc
# fires: escape-host-mount escape-host-file-written
echo '# nothing' > /host/etc/lazaret-scenario
rm /host/etc/lazaret-scenario
