# in: container -v /etc:/h:ro
# fires: escape-host-mount-read
# Names that begin as the mount does, and data.
mkdir -p /home/web/notes
echo data > /home/web/notes/one
cat /h/hostname
