# in: container
# fires:
# A job at the end of a pipe, beside programs that are connected and write elsewhere.
sleep 2 | nc -l -p 4459 &
sleep 0.3
nc -w 2 127.0.0.1 4459 < /dev/null > /tmp/received &
echo 'echo done' | sh > /tmp/said
nc -w 2 127.0.0.1 4460 < /dev/null | cat > /tmp/nothing
