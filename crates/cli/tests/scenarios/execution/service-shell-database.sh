# in: container
# fires: execution-service-shell
# COPY … FROM PROGRAM.
perl -e 'open(N, ">", "/proc/self/comm"); print N "postgres"; close N; system("sh", "-c", "wget -q -T 1 http://127.0.0.1/; true")'
