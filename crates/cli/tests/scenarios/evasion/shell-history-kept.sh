# in: container
# fires:
# A shell writes its history: added to, cut to its length, written anew.
bash -c 'HISTFILE=/root/.bash_history; set -o history; history -s id; history -w; history -s ls; history -a; HISTFILESIZE=1'
bash -c 'HISTFILE=/root/.bash_history; HISTSIZE=1; set -o history; history -r; history -s pwd; history -w'
cp /root/.bash_history /tmp/backup
