# in: container
# fires: evasion-shell-history
# `ln -sf` of coreutils makes a link of another name and gives it that of the history.
echo ls >> /root/.bash_history
perl -e 'symlink("/dev/null", "/root/CuAbCdEf"); rename("/root/CuAbCdEf", "/root/.bash_history")'
