# An administrator updates, upgrades and installs packages in a container, and looks at the host's.
docker rm --force noise-packages || true
docker run --rm --name noise-packages --network host "$IMAGE" sh -ec '
  apt-get update
  apt-get upgrade -y
  apt-get install -y --no-install-recommends less tree mariadb-common bsd-mailx
  apt-get remove -y tree
  apt-get autoremove -y
  dpkg -l | tail -3
  dpkg --verify less || true
  apt-get clean'
apt-get --simulate upgrade
dpkg -l | tail -3
apt-cache policy nginx
