# in: container
# fires: evasion-service-log-cleared
mkdir -p /var/log/nginx
echo 'GET /shell.php' >> /var/log/nginx/access.log
: > /var/log/nginx/access.log
