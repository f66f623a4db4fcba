# in: container
# fires:
cat /etc/passwd /etc/group /proc/self/environ /root/.profile
ls -l /etc/shadow /home/web/.ssh
