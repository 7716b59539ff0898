#!/usr/bin/env bash
# Runs every command of the demo with no network but loopback, on a read-only file system, as nobody where that can be.
#   no-network.sh PROJECT WORK      in network and mount namespaces of its own; only WORK may be written to
# Prints "NAME: STATUS at N s" for each command, and what the kernel had to drop.
set -u
home="$1"
work="$2"

ip link set lo up || exit 1
mount --make-rprivate / || exit 1
mount --bind "$work" "$work" || exit 1
printf '127.0.0.1 localhost %s\n' "$(uname -n)" >"$work/hosts"
mount --bind "$work/hosts" /etc/hosts
while read -r _ _ _ _ point _; do
  case "$point" in
    /proc* | /sys* | /dev* | "$work"*) ;;
    *) mount -o remount,bind,ro "$point" 2>/dev/null ;;
  esac
done </proc/self/mountinfo
for folder in / /tmp "$home" "$home/target"; do
  ! touch "$folder/.tuneqdm-probe" 2>/dev/null || { rm "$folder/.tuneqdm-probe"; echo "writable: $folder"; }
done

chmod -R a+rwX "$work"
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs)
java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
if ! "${nobody[@]}" bash -c 'test -r "$0" && "$1" -version' "$home/target/tuneqdm-spark.jar" "$java" >/dev/null 2>&1; then
  echo "user: $(id -un), for nobody cannot read the project or start Java here"
  nobody=()
fi

export HOME="$work" TMPDIR="$work/tmp" DJL_CACHE_DIR="$work/natives" TUNEQDM_CACHE_DIR="$work/cache"
# The second compiler does not pay in runs this short.
export JAVA_TOOL_OPTIONS="-Djava.io.tmpdir=$work/tmp -XX:TieredStopAtLevel=1"
unset SPARK_HOME
mkdir -m 777 "$TMPDIR" "$DJL_CACHE_DIR"
cd "$work" || exit 1

job() {
  local name="$1"
  shift
  ${nobody[@]+"${nobody[@]}"} "$home/jobs/$name" "$@" >"$work/$name.log" 2>&1
  echo "$name: $? at $SECONDS s"
}

dropped() { # packets without a route and datagrams that nobody took
  awk '$1 == "Ip:" || $1 == "Udp:" {
      if (++n[$1] == 1) { for (i = 2; i <= NF; i++) name[$1, i] = $i; next }
      for (i = 2; i <= NF; i++) if (name[$1, i] ~ /^(OutNoRoutes|NoPorts)$/) sum += $i
    }
    END { print sum + 0 }' /proc/net/snmp
}
dropped6() {
  awk '$1 ~ /^(Ip6OutNoRoutes|Udp6NoPorts)$/ { sum += $2 } END { print sum + 0 }' /proc/net/snmp6 2>/dev/null || echo 0
}

before=$(($(dropped) + $(dropped6)))
{
  job quantize-base
  job inspect "$home/src/demo/toyworld/base"
} &
# The first start of the engine unpacks its libraries; from then on they too are read-only, as in a container image.
job bench quantize --quick
wait
mount --bind "$DJL_CACHE_DIR" "$DJL_CACHE_DIR" && mount -o remount,bind,ro "$DJL_CACHE_DIR"
job verify-model --goldens "$work/goldens" &
job train-all-subjects -D tuneqdm.data.names=ball1,cube1 -D tuneqdm.tuning.steps=2 -D tuneqdm.tuning.batch-size=1
wait
job evaluate -D tuneqdm.evaluate.steps=2 -D "tuneqdm.evaluate.prompts=$work/prompts.txt"
echo "dropped: $(($(dropped) + $(dropped6) - before))"

# That an attempt would have been noticed:
(exec 3<>/dev/tcp/192.0.2.1/443) 2>/dev/null
echo "dropped after a try: $(($(dropped) + $(dropped6) - before))"
