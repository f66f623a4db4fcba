# in: container -v /etc/profile.d:/parts -v /opt:/opt-of-host
# fires: escape-host-mount escape-host-file-written
# A part of the host's settings, under another name.
mkdir /parts/lazaret-scenario
rmdir /parts/lazaret-scenario
echo data > /opt-of-host/lazaret-scenario
rm /opt-of-host/lazaret-scenario
