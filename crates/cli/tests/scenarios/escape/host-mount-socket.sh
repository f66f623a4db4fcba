# in: container -v $DOCKER_SOCKET:/run/engine/docker.sock
# fires: escape-host-mount escape-runtime-socket
# By another name, too.
ln -s /run/engine/docker.sock /tmp/other
for path in /run/engine/docker.sock /tmp/other; do
  perl -e 'socket(S, 1, 1, 0); connect(S, pack("S a108", 1, shift)) or die $!' "$path"
done
