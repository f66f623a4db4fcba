# in: container --tmpfs /data -v /usr/share/zoneinfo:/usr/share/zoneinfo
# fires:
echo value > /data/file
mv /data/file /data/other
cat /data/other
