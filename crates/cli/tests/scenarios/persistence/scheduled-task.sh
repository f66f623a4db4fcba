# in: container
# fires: persistence-scheduled-task
echo '* * * * * root /tmp/x' > /etc/cron.d/x
echo '* * * * * /tmp/x' > /tmp/root
mv /tmp/root /var/spool/cron/crontabs/root
ln -s /etc/cron.d /tmp/elsewhere
echo > /tmp/elsewhere/y
echo '* * * * * /tmp/x' | crontab -
