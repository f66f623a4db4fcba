# in: container --cap-add SYS_ADMIN --security-opt apparmor=unconfined
# fires: escape-capable-container escape-mount evasion-process-hidden
sleep 1 &
mount -t tmpfs none /proc/$!
