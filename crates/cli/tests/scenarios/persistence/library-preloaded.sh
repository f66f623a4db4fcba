# in: container
# fires: persistence-library
echo nothing > /tmp/hook.so
LD_PRELOAD=/tmp/hook.so perl -e 1
