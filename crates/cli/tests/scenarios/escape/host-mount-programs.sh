# in: container -v /usr/lib:/host/lib
# fires: escape-host-mount escape-host-file-written
echo > /tmp/lazaret-scenario
# Renamed, so that nothing there is opened to be written.
mkdir /host/lib/lazaret-scenario
mv /host/lib/lazaret-scenario /host/lib/lazaret-scenario.d
rmdir /host/lib/lazaret-scenario.d
