# in: container
# fires: execution-service-shell execution-drift
# By its file, whatever it is called.
cp /usr/bin/perl /tmp/nginx
/tmp/nginx -e 'open(N, ">", "/proc/self/comm"); print N "worker"; close N; system("sh", "-c", "id; true")'
