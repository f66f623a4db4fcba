# in: container
# fires: evasion-shell-history
echo ls >> /root/.bash_history
rm /root/.bash_history
ln -s /dev/null /root/.ash_history
