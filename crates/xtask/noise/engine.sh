# Docker's own verbs, on a container with a health check, a volume and limits.
docker rm --force noise-engine noise-engine-2 noise-engine-3 || true
docker volume create noise-data
docker run --detach --name noise-engine --memory 256m --read-only --tmpfs /run --tmpfs /tmp --tmpfs /var/lib/nginx --tmpfs /var/log/nginx \
  --volume noise-data:/data --cap-drop ALL --cap-add CHOWN --cap-add SETUID --cap-add SETGID --cap-add NET_BIND_SERVICE --cap-add DAC_OVERRIDE \
  --health-cmd 'curl -fs http://127.0.0.1/ >/dev/null' --health-interval 2s --init "$IMAGE" nginx -g 'daemon off;'
docker exec noise-engine sh -c 'id; env; ls /; cat /etc/hosts /etc/resolv.conf; ps aux'
docker exec --interactive --tty noise-engine true < /dev/null || true
script -qec 'docker exec --interactive --tty noise-engine bash -c "ls; whoami"' /dev/null
docker exec --user www-data noise-engine touch /data/x || true
echo content > "$WORK/file"
docker cp "$WORK/file" noise-engine:/data/
docker cp noise-engine:/etc/nginx/nginx.conf "$WORK/"
docker top noise-engine
docker stats --no-stream noise-engine
docker logs noise-engine
docker pause noise-engine
docker unpause noise-engine
docker kill --signal HUP noise-engine
sleep 5
docker diff noise-engine
docker restart -t 3 noise-engine
docker commit noise-engine noise-engine:2
docker export noise-engine | tar -t | tail -1
docker rm --force noise-engine
docker run --rm --name noise-engine-2 --volume noise-data:/data:ro --user 1000:1000 noise-engine:2 ls -l /data
docker image rm noise-engine:2
docker volume rm noise-data
docker network create noise-net
docker run --rm --name noise-engine-3 --network noise-net "$IMAGE" cat /etc/resolv.conf
docker network rm noise-net
docker system df
