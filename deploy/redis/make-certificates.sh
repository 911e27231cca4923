#!/bin/sh
# make-certificates.sh FOLDER OWNER NAME...: an authority of our own and a certificate for a Redis that is reached by
# these names. OWNER, a user name or number, is who runs Redis. What is there already is kept.
#
# Clients need ca.crt, Redis needs all but ca.key, which is for making the next certificate: keep it elsewhere.
set -eu
folder=$1 owner=$2
shift 2
cd "$folder"
[ ! -e redis.crt ] || { echo "The certificates in $folder are kept."; exit 0; }

names=DNS:localhost,IP:127.0.0.1
for name in "$@"; do names="$names,DNS:$name"; done
days=3650

umask 077
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days "$days" \
    -subj '/CN=Partner Postbacks Redis authority' -addext keyUsage=critical,keyCertSign,cRLSign \
    -keyout ca.key -out ca.crt
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 \
    -subj "/CN=$1" -keyout redis.key -out redis.csr
printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' "$names" >redis.ext
openssl x509 -req -in redis.csr -CA ca.crt -CAkey ca.key -CAcreateserial -sha256 -days "$days" \
    -extfile redis.ext -out redis.new
rm redis.csr redis.ext
chown "$owner" redis.key
chmod 644 ca.crt redis.new
mv redis.new redis.crt
echo "Made for $names in $folder; they end in $days days."
