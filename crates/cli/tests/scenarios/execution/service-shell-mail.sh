# in: container
# fires:
perl -e 'open(N, ">", "/proc/self/comm"); print N "php-fpm"; close N; system("sh", "-c", "/usr/sbin/sendmail -t -i")'
# As a database archives, and Galera brings a node up to date.
perl -e 'open(N, ">", "/proc/self/comm"); print N "postgres"; close N; system("sh", "-c", "cp /etc/passwd /tmp/0001; true")'
perl -e 'open(N, ">", "/proc/self/comm"); print N "mariadbd"; close N;
  my $joins = "wsrep_sst_rsync --role \x27joiner\x27 --address \x2710.0.0.1\x27";
  system("sh", "-c", $joins)'
