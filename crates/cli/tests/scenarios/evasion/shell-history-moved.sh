# in: container
# fires: evasion-shell-history
echo ls >> /root/.bash_history
mv /root/.bash_history /tmp/.x
