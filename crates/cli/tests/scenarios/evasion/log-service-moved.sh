# in: container
# fires: evasion-service-log-cleared
mkdir -p /var/log/mysql
echo 'SELECT' >> /var/log/mysql/error.log
mv /var/log/mysql/error.log /tmp/x
