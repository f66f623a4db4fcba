# in: container
# fires:
# As scripts turn logs over, images send them elsewhere, and old ones are cleaned up.
mkdir -p /var/log/nginx
echo 'GET /' >> /var/log/nginx/access.log
mv /var/log/nginx/access.log /var/log/nginx/access.log.1
rm /var/log/nginx/access.log.1
ln -sf /dev/stdout /var/log/nginx/access.log
perl -e 'open(L, ">", "/var/log/service.log"); open(B, "<", "/var/log/auth.log")'
date > /var/log/backup.log
