# in: container
# fires: execution-service-shell
# A process of the image that is called as a web server is.
perl -e 'open(N, ">", "/proc/self/comm"); print N "nginx"; close N; system("sh", "-c", "id; true")'
