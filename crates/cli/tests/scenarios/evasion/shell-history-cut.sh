# in: container
# fires: evasion-shell-history
echo ls >> /root/.zsh_history
truncate -s 0 /root/.zsh_history
