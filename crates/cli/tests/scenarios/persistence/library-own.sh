# in: container
# fires:
# A program's own libraries, and one of the system's that is preloaded.
mkdir -p /usr/local/lib /opt/app/lib
echo nothing > /usr/local/lib/libown.so
echo nothing > /opt/app/lib/libown.so.1
LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2 perl -e 1
