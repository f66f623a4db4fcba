# in: container
# fires:
# What is fetched and run is another matter.
mkdir -p /tmp/served
printf 'HTTP/1.0 200 OK\r\n\r\ntrue\n' | nc -l -p 4458 &
sleep 0.3
wget -q -O - http://127.0.0.1:4458/install | sh
