# PostgreSQL and Redis under load, with dumps and a restart.
docker rm --force noise-postgres noise-redis || true
docker run --detach --name noise-postgres "$IMAGE" sh -c 'pg_ctlcluster 15 main start && sleep 600'
sleep 4
docker exec --user postgres noise-postgres sh -ec '
  pgbench --quiet -i -s 5 postgres
  pgbench -T 20 -c 4 -j 2 postgres | grep tps
  psql -c "create role shop login" -c "vacuum analyze" || true
  pg_dump postgres | gzip > /tmp/dump.gz
  createdb copy && gunzip -c /tmp/dump.gz | psql -q copy'
docker exec noise-postgres sh -c 'su postgres -c "psql -l" | tail -3; service postgresql restart; service postgresql status'
docker stop -t 2 noise-postgres
docker rm --force noise-postgres
docker run --detach --name noise-redis "$IMAGE" redis-server --save 5 1 --appendonly yes --dir /var/lib/redis
sleep 1
docker exec noise-redis redis-benchmark -q -n 100000 -c 20 -t set,get,lpush,zadd
docker exec noise-redis redis-cli bgsave
docker exec noise-redis redis-cli info server
docker stop noise-redis
docker rm noise-redis
