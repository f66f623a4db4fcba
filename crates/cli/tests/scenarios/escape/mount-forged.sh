# in: container --cap-add SYS_ADMIN --security-opt apparmor=unconfined
# fires: escape-capable-container escape-mount execution-drift persistence-system-program
# By the paths of a runtime and of what it is started by: both were written here.
cp /usr/bin/perl /runc
cp /usr/bin/bash /usr/bin/runc
/usr/bin/runc -s <<'END'
/runc -e 'my @texts = ("none", "/tmp", "tmpfs"); syscall(165, @texts, 0, 0) == 0 or die $!'
END
