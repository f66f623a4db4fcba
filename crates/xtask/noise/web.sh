# A busy web server, its configuration read anew and its logs rotated.
docker rm --force noise-web || true
docker run --detach --name noise-web "$IMAGE" nginx -g 'daemon off;'
sleep 1
address=$(docker inspect --format '{{.NetworkSettings.IPAddress}}' noise-web)
ab -q -t 20 -n 1000000 -c 16 "http://$address/" | grep 'Requests per'
docker exec noise-web nginx -t
docker exec noise-web nginx -s reload
docker exec noise-web sh -c 'logrotate --force /etc/logrotate.d/nginx; nginx -s reopen'
ab -q -t 10 -n 1000000 -c 16 -k "http://$address/" | grep 'Requests per'
docker logs noise-web
docker exec noise-web sh -c 'tail -2 /var/log/nginx/access.log*; ps aux | head -3'
docker stop noise-web
docker rm noise-web
