#!/bin/sh
# make-certificates.sh FOLDER OWNER NAME...: create a private authority, and a certificate for a Redis that is reached
# by these names. OWNER, a user name or number, is the user that runs Redis. An existing certificate is kept.
#
# Clients need ca.crt; Redis needs everything but ca.key, which signs the next certificate: keep it elsewhere.
set -eu
folder=$1 owner=$2
shift 2
cd "$folder"
[ ! -e redis.crt ] || { echo "$folder already has certificates; they are kept."; exit 0; }

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
echo "Created certificates for $names in $folder; they expire in $days days."
