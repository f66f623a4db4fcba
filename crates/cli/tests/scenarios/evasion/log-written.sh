# in: container
# fires:
echo 'somebody went' >> /var/log/auth.log
echo line > /var/log/service.log
mv /var/log/service.log /var/log/service.log.1
rm /var/log/service.log.1
echo ls >> /root/.bash_history
cat /root/.bash_history
