# in: container
# fires: execution-miner
perl -e '1' -- -o stratum+tcp://pool.example:3333 -u wallet
