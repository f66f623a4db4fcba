# in: container
# fires: execution-service-shell
perl -e 'open(N, ">", "/proc/self/comm"); print N "php-fpm"; close N; system("sh", "-c", "/usr/sbin/sendmail -t -i; id")'
