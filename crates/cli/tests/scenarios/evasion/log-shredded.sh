# in: container
# fires: evasion-log-cleared
dd if=/dev/zero of=/var/log/auth.log bs=14 count=1 conv=notrunc
