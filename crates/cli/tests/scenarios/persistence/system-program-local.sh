# in: container
# fires: persistence-system-program
mkdir -p /usr/local/bin
echo true > /usr/local/bin/ls
