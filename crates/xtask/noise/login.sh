# People log in by ssh, become root, copy files; a deployment does it too.
docker rm --force noise-login || true
docker run --detach --name noise-login "$IMAGE" sh -ec '
  mkdir -p /run/sshd && useradd -m -s /bin/bash anna && usermod -aG sudo anna && echo "anna ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/anna
  install -d -m 700 -o anna -g anna /home/anna/.ssh
  exec /usr/sbin/sshd -D -e'
ssh-keygen -q -t ed25519 -N '' -f "$WORK/key"
sleep 3
docker cp "$WORK/key.pub" noise-login:/home/anna/.ssh/authorized_keys
docker exec noise-login chown anna:anna /home/anna/.ssh/authorized_keys
address=$(docker inspect --format '{{.NetworkSettings.IPAddress}}' noise-login)
options="-i $WORK/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=$WORK/known_hosts -o LogLevel=ERROR"
sleep 1
ssh $options "anna@$address" 'id; ls -la; sudo -n id; sudo -n tail -1 /var/log/dpkg.log; ps aux | head -2; df -h | head -2; cat /etc/os-release | head -1'
ssh -tt $options "anna@$address" bash -il <<< 'ls; uptime; history | tail -2; exit'
scp -q $options "$WORK/key.pub" "anna@$address:/tmp/"
tar -C "$WORK" -c key.pub | ssh $options "anna@$address" 'tar -x -C /tmp && ls /tmp'
docker stop -t 2 noise-login
docker rm --force noise-login
