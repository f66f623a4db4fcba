# in: container
# fires: evasion-shell-history
# By the shell itself, as people do it.
echo ls >> /root/.bash_history
: > /root/.bash_history
