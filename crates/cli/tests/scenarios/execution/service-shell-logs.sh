# in: container
# fires:
perl -e 'open(N, ">", "/proc/self/comm"); print N "apache2"; close N; system("sh", "-c", "rotatelogs /var/log/web 86400")'
perl -e 'open(N, ">", "/proc/self/comm"); print N "nginx"; close N; system("cat", "/etc/passwd")'
