# in: container
# fires: persistence-library
mkdir -p /etc/ld.so.conf.d
echo /opt/lib > /etc/ld.so.conf.d/app.conf
echo nothing > /tmp/libc-helper.so
mv /tmp/libc-helper.so /lib/x86_64-linux-gnu/libc-helper.so.1
