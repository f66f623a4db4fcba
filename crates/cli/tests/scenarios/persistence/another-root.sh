# in: container
# fires: persistence-scheduled-task credentials-password-file persistence-preload
# Where a process takes another root, files have the same names.
perl -e 'chroot("/etc") or die $!; open(F, ">", "/cron.d/lazaret") or die $!; print F "x"; close F;
  open(F, "<", "/shadow") or die $!; open(F, ">", "/../ld.so.preload") or die $!; rename("/cron.d/lazaret", "/cron.d/other")'
