# in: container
# fires:
mkdir -p /tmp/e/skel
echo 'x' > /tmp/e/skel/.profile
