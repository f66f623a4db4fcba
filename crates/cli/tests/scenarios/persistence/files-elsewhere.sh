# in: container
# fires:
mkdir -p /usr/local/bin /srv/bin /srv/.ssh /home/web/etc
for file in /usr/local/bin/tool /srv/bin/tool /srv/.ssh/config /home/web/etc/passwd /srv/profile /tmp/cron /etc/hosts.new; do
  echo value > $file
done
mv /etc/hosts.new /etc/hosts.old
cat /etc/passwd /etc/cron.d/.keep /root/.profile
ln -s /usr/bin/perl /srv/bin/perl
