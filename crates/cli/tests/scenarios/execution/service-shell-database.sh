# in: container
# fires: execution-service-shell
# COPY … FROM PROGRAM.
perl -e 'open(N, ">", "/proc/self/comm"); print N "postgres"; close N; system("sh", "-c", "perl -e 1; true")'
