# in: container
# fires:
sh -c 'id; ls -i / > /dev/null'
bash -c 'for name in /etc/*; do echo "$name"; done'
echo 'echo -i' | sh -s
bash --norc -c true
