# Changes, removes and adds in every kind of thing that a restore puts back.
set -e


cd /etc
printf 'changed\n' >> hostname
printf 'x\n' > added
mkdir -p added.d/deep
printf 'y\n' > added.d/deep/file
printf 'z\n' > 'added.d/new
line'
rm -rf apt/apt.conf.d
chmod 777 ssh
chown 33:33 motd
touch -d 2001-01-01 issue
ln -sfn /dev/null localtime
rm -rf default
printf 'a file now\n' > default
rm kinds/second-name kinds/link kinds/pipe kinds/two*
mkdir kinds/link
printf 'in the place of a link\n' > kinds/link/file
printf 'changed\n' > kinds/linked
chmod 666 kinds/tab*
chmod 777 kinds/closed
rm kinds/closed/secret
python3 -c 'import os; os.setxattr("fstab", "user.colour", b"red"); os.removexattr("kinds/closed", "system.posix_acl_default")'
rm -rf /opt/kept/sub /opt/many1
printf 'n\n' > /opt/kept/added
printf 'n\n' > /opt/absent
chmod 600 /opt/log
dpkg --purge outgoing > /dev/null
dpkg -i /root/packages/incoming.deb > /dev/null
systemctl --quiet disable --now apt-daily.timer
systemctl --quiet mask --now systemd-timesyncd.service
sed -i 's/^#*UsePAM.*/UsePAM no/' ssh/sshd_config
printf 'PasswordAuthentication no\n' > ssh/sshd_config.d/60-mess.conf
systemctl restart ssh.service
printf '1\n' > /proc/sys/net/ipv4/ip_forward
printf '1\n' > /proc/sys/net/ipv4/conf/all/accept_redirects
printf '2\n' > /proc/sys/net/ipv4/conf/host0/rp_filter
nft delete table inet kept
nft add table inet added
ip addr add 192.0.2.7/24 dev host0
ip route add 198.51.100.0/24 dev host0
ip route add 203.0.113.0/24 dev host0 table 77
ip rule add pref 100 from 192.0.2.7 lookup 77
