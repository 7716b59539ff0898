#!/usr/bin/env bash
# What every launcher in this folder does: build what is missing, then run one command of the jar.
#   jobs/<command> [our options]
#   jobs/<command> [spark-submit options] -- [our options]
# Spark is $SPARK_HOME's where that is set, else the embedded one in target/spark.
set -euo pipefail

home="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
jar="$home/target/tuneqdm-spark.jar"
stamp="$home/target/.built"
command="$1"
shift

fail() {
  echo "$1" >&2
  exit "$2"
}

# --- Arguments: those before a lone "--" are Spark's.
spark_options=()
our_options=("$@")
for ((i = 1; i <= $#; i++)); do
  if [[ ${!i} == -- ]]; then
    spark_options=("${@:1:i-1}")
    our_options=("${@:i+1}")
    break
  fi
done

# --- Build.
is_stale() {
  [[ -f $jar && -x $home/target/spark/bin/spark-submit ]] || return 0
  local built="$jar"
  [[ $stamp -nt $built ]] && built="$stamp"
  [[ -n $(find "$home/pom.xml" "$home/src/main" -newer "$built" -print -quit) ]]
}

build() {
  command -v mvn >/dev/null || fail "Cannot build $jar: Maven's mvn is not on the PATH (install Maven 3.8 or newer)." 6
  echo "Building $jar and the embedded Spark (first run, or sources changed) ..." >&2
  local log="$home/target/build.log"
  if ! (cd "$home" && mvn -q -B -ntp -DskipTests package) >"$log" 2>&1; then
    cat "$log" >&2
    fail "Cannot build $jar: Maven failed, see above ($log)." 6
  fi
  touch "$stamp"
}

java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
command -v "$java" >/dev/null || fail "Cannot run $command: no Java (install a JDK 17 or set JAVA_HOME)." 6
if is_stale; then
  mkdir -p "$home/target"
  exec 9>"$home/target/.build-lock"
  ! command -v flock >/dev/null || flock 9
  ! is_stale || build
  exec 9>&-
fi

# --- Settings that are ours wherever the driver runs.
export OPT_OUT_TRACKING=true
# OpenMP threads that wait soon sleep: left to spin, they starve whatever else runs on the machine.
export GOMP_SPINCOUNT="${GOMP_SPINCOUNT:-10000}"
heap() { # a quarter of the machine's memory, 1 to 4 GiB; tensors live outside the heap
  local gib=$(($(awk '/^MemTotal:/ {print $2}' /proc/meminfo) / 4 / 1024 / 1024))
  echo "$((gib < 1 ? 1 : gib > 4 ? 4 : gib))g"
}
java_options=(
  -Dai.djl.offline=true
  "-Dtuneqdm.terminal=$([[ -t 2 ]] && echo true || echo false)"
  "-Dtuneqdm.home=$home"
  "-Dtuneqdm.demo.dir=$home/src/demo/toyworld"
  "-Dlog4j2.configurationFile=$home/conf/log4j2.properties"
)

# --- Commands that need no Spark start without it.
if [[ $command == inspect || $command == verify-model || $command == bench ]]; then
  [[ ${#spark_options[@]} == 0 ]] || fail "Cannot pass options to spark-submit: $command runs without Spark (leave out what stands before --)." 2
  exec "$java" "-Xmx$(heap)" "${java_options[@]}" \
    -cp "$jar:${SPARK_HOME:-$home/target/spark}/jars/*" io.github.tuneqdm.cli.Main "$command" "${our_options[@]}"
fi

# --- spark-submit.
master=
driver_memory=
for ((i = 0; i < ${#spark_options[@]}; i++)); do
  next="${spark_options[i + 1]:-}"
  case "${spark_options[i]}" in
    --master) master="$next" ;;
    --master=*) master="${spark_options[i]#*=}" ;;
    --driver-memory | --driver-memory=*) driver_memory=given ;;
    --conf | -c)
      case "$next" in
        spark.master=*) master="${next#*=}" ;;
        spark.driver.memory=*) driver_memory=given ;;
      esac
      ;;
    --conf=spark.master=*) master="${spark_options[i]#--conf=spark.master=}" ;;
    --conf=spark.driver.memory=*) driver_memory=given ;;
    --properties-file | --properties-file=*) master="${master:-given}" driver_memory=given ;;
  esac
done

if [[ -z ${SPARK_HOME:-} ]]; then
  export SPARK_HOME="$home/target/spark"
  [[ -n $master ]] || spark_options=(--master 'local[*]' "${spark_options[@]}")
  # One machine alone: no need to be seen on its network.
  if [[ ${master:-local} == local* ]]; then
    export SPARK_LOCAL_IP="${SPARK_LOCAL_IP:-127.0.0.1}"
  fi
elif [[ ! -x $SPARK_HOME/bin/spark-submit ]]; then
  fail "Cannot start Spark: SPARK_HOME=$SPARK_HOME has no bin/spark-submit (unset it to use the embedded Spark)." 6
fi
if [[ -z $driver_memory ]] && ! grep -qs '^[[:space:]]*spark\.driver\.memory' "${SPARK_CONF_DIR:-$SPARK_HOME/conf}/spark-defaults.conf"; then
  spark_options=(--driver-memory "$(heap)" "${spark_options[@]}")
fi
# shellcheck disable=SC2089 # Spark's launcher reads the quotes
for option in "${java_options[@]}"; do
  SPARK_SUBMIT_OPTS="${SPARK_SUBMIT_OPTS:-} \"$option\""
done
# shellcheck disable=SC2090
export SPARK_SUBMIT_OPTS
exec "$SPARK_HOME/bin/spark-submit" "${spark_options[@]}" "$jar" "$command" "${our_options[@]}"
