# in: container
# fires: persistence-system-program
echo 'true' > /usr/bin/tool
ln -s /usr/bin/tool /bin/other
echo 'true' > /tmp/ls
mv /tmp/ls /usr/bin/ls
