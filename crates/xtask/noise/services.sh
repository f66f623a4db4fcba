# cron, logrotate and a system log do what they do all day.
docker rm --force noise-services || true
docker run --detach --name noise-services "$IMAGE" sh -c 'rsyslogd; exec cron -f'
docker exec noise-services sh -c 'echo "* * * * * root logger hello; find /tmp -mtime +1 -delete" > /etc/cron.d/shop'
docker exec noise-services sh -c 'echo "* * * * * id > /tmp/id" | crontab -u www-data - ; crontab -u www-data -l'
sleep 70
docker exec noise-services sh -c 'for job in dpkg logrotate rsyslog; do test ! -x /etc/cron.daily/$job || /etc/cron.daily/$job; done; logrotate --force /etc/logrotate.conf; ls -l /var/log'
docker exec noise-services cat /tmp/id
docker stop -t 2 noise-services
docker rm --force noise-services
cat > "$WORK/logrotate.conf" <<CONF
$WORK/service.log {
  rotate 3
  compress
}
CONF
echo line > "$WORK/service.log"
logrotate --force --state "$WORK/logrotate.state" "$WORK/logrotate.conf"
crontab -l || true
