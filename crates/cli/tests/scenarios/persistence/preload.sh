# in: container
# fires: persistence-preload
cd /etc
echo > ./ld.so.preload
