#!/usr/bin/env bash
# What people see of peersync-sim. ctest starts it as
# `program.sh PEERSYNC-REPLAY [EMULATOR...] PROGRAM`.
set -euo pipefail
export LC_ALL=C
SIM=("${@:2}")
REPLAY=("${@:2:$#-2}" "$1")
WORK=$(mktemp -d "${TMPDIR:-/tmp}/peersync-sim.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
OUT=$WORK/out
ERR=$WORK/err

# run CODE ARGUMENT...: what it prints is in $OUT and $ERR.
run() {
    local expected=$1 code=0
    shift
    "${SIM[@]}" "$@" >"$OUT" 2>"$ERR" || code=$?
    ((code == expected)) || fail "$*: ended with $code"
}

fail() {
    echo "line ${BASH_LINENO[-2]}: $*" >&2
    cat "$OUT" "$ERR" >&2
    exit 1
}

# says FILE PATTERN...: a line of the file matches each.
says() {
    local file=$1 pattern
    shift
    for pattern; do
        grep -qE -- "$pattern" "$file" || fail "no line matches: $pattern"
    done
}

# A story: at full speed, and with lines for people; the hash is the same, and so is the end.
run 0 --story flash-crowd
says "$OUT" '^flash-crowd: 300 peers, [0-9]+ virtual seconds, seed 1, batch 64$' \
    '^  the rush     300 of 300 had their answer, half in [0-9.]+ s, all in ' \
    '^ +[1-9][0-9,]* datagrams met a full queue, [1-9][0-9,]* were sent again$' \
    '^  the cut      100 peers cut off for 3\.50 s; all back [0-2]\.[0-9]+ s after ' \
    '^  the restart  all 300 were back [0-2]\.[0-9]+ s after it, and all 100 files listed$' \
    '^  the end      300 of 300 asked again and were answered$' \
    '^  checked      [1-9][0-9,]* steps, [1-9][0-9,]* pages and [1-9][0-9,]* lists ' \
    '^  hash         [0-9a-f]{16}$'
[[ ! -s $ERR ]] || fail "something on stderr"
cp "$OUT" "$WORK/story"
run 0 --watch --story flash-crowd --batch 3
says "$OUT" '^ +2\.0 s  online 20 .*20 peers are here early' \
    'queue 128/128' ' lost 100 .*A cable is cut' 'knows nobody' 'files 100  Everybody is back'
! grep -q $'\033' "$OUT" || fail "an escape, but there is no terminal"
diff <(grep hash "$WORK/story") <(grep hash "$OUT") >/dev/null || fail "another hash when watched"
run 0 --story flash-crowd --seed 2 --quiet
[[ ! -s $OUT && ! -s $ERR ]] || fail "not quiet"

# A swarm under faults, at length.
run 0 --seed 1 --peers 20 --minutes 10
says "$OUT" '^swarm: 20 peers, 600 virtual seconds, seed 1, batch 64$' \
    '^  commands     [1-9][0-9,]* ended: [0-9,]+ succeeded \(9[0-9]\.[0-9] %\)' \
    '^  healings     [1-9][0-9]*, the slowest took [0-5]\.[0-9]+ s$' \
    '^  datagrams    [1-9][0-9,]* sent, [1-9][0-9,]* lost, ' \
    '^ +[0-9]+  flipped bits$' \
    '^  hash         [0-9a-f]{16}$'
says "$OUT" '^  slowest      login [0-9.]+ s, return after a loss [0-9.]+ s, whole file [0-9.]+ s,$' \
    '^ +list of all files after a healing [0-9.]+ s$'
# (What never repeats is not among it.)
says "$ERR" '^[0-9]+\.[0-9] peer-hours and [0-9,]+ datagrams a second of the processor$'
[[ $(wc -l <"$ERR") == 1 ]] || fail "more on stderr"

# Watched, it is the same one. Many give a line each, and a sum.
run 0 --seed 4 --peers 8 --minutes 3 --check-every 64
cp "$OUT" "$WORK/swarm"
run 0 --seed 4 --peers 8 --minutes 3 --check-every 64 --watch
says "$OUT" '^ +61\.0 s  online [0-9]+ .*The last fault: ' '^ +121\.0 s '
diff "$WORK/swarm" <(sed -n '/^swarm/,$p' "$OUT") >/dev/null || fail "another swarm when watched"
run 0 --seed 4 --seeds 2 --peers 8 --minutes 3 --check-every 64
hash=$(sed -n 's/^  hash  *//p' "$WORK/swarm")
says "$OUT" '^ +seed  hash ' "^ +4  $hash +[1-9][0-9,]* +[0-9.]+ % +1 +[0-5]\.[0-9]+ s +[0-9.]+ s\$" \
    '^ +5  [0-9a-f]{16} ' '^2 swarms: [1-9][0-9,]* commands, [1-9][0-9,]* steps checked, in ' \
    '^  succeeded    [0-9.]+ %; the fewest [0-9.]+ %, of seed [45]$' \
    '^  healings     2, the slowest took [0-5]\.[0-9]+ s, of seed [45]$' \
    '^ +[0-9]+  bursts of loss$'
# For programs: an object a line, the same each time.
run 0 --seed 4 --seeds 2 --peers 8 --minutes 3 --check-every 64 --json
cp "$OUT" "$WORK/json"
[[ $(wc -l <"$OUT") == 3 ]] || fail "not three objects"
says "$OUT" "^\\{\"type\":\"swarm\",\"seed\":4,\"mix\":\"cruel\",\"peers\":8,.*\"hash\":\"$hash\"\\}\$" \
    '^\{"type":"sum","swarms":2,"commands":[1-9].*"faults":\{"weather":[0-9]+,.*"worst_heal_seed":[45]\}$'
run 0 --seed 4 --seeds 2 --peers 8 --minutes 3 --check-every 64 --json
cmp -s "$OUT" "$WORK/json" || fail "other JSON the second time"
run 2 --json --watch
says "$ERR" '--json says what others show'

# Scenarios: what is wrong stands with its place, and what does not hold with what repeats it.
cat >"$WORK/one.scenario" <<'END'
swarm seed=5 peers=3 minutes=1
group name=home peers=0 nat=symmetric
at 10s cut from=home to=server for=5s
END
run 0 --scenario "$WORK/one.scenario"
says "$OUT" '^swarm: 3 peers, 60 virtual seconds, seed 5, batch 64$' '^  scenario     1 of 1 events' \
    '^  boxes        passed [1-9]'
hash=$(sed -n 's/^  hash  *//p' "$OUT")
run 0 --scenario "$WORK/one.scenario" --journal "$WORK/scenario.journals" --json
says "$OUT" '"scenario":".*one\.scenario","mix":"none","peers":3' "\"events\":1,.*\"hash\":\"$hash\""
for journal in "$WORK"/scenario.journals/*.journal; do
    "${REPLAY[@]}" "$journal" >"$OUT" 2>"$ERR" || fail "$journal does not replay equal"
done
run 0 --scenario "$WORK/one.scenario" --seed 6 --seeds 2
says "$OUT" '^ +6  [0-9a-f]{16} ' '^ +7  ' '^2 swarms: '
sed 's/cut from=home/cut from=hoem/' "$WORK/one.scenario" >"$WORK/two.scenario"
run 2 --scenario "$WORK/two.scenario"
says "$ERR" "two\.scenario:3: from: there is no group 'hoem'; did you mean home\?\$"
run 9 --scenario "$WORK/none.scenario"
says "$ERR" 'none\.scenario: No such file'
run 2 --scenario "$WORK/one.scenario" --peers 4
says "$ERR" "stand in the scenario, in its line 'swarm'"
run 2 --scenario "$WORK/one.scenario" --minimise
says "$ERR" 'of a scenario, take lines away'
# What is a network's loss is mended for the healing alone.
cat >"$WORK/lossy.scenario" <<'END'
swarm peers=3 minutes=3
network loss=20%
at 1s heal
END
run 0 --scenario "$WORK/lossy.scenario" --json
says "$OUT" '"lost":[0-9]{3,},'
cat >"$WORK/hopeless.scenario" <<'END'
swarm peers=3 minutes=1 heal-within=1ms
at 50s crash nodes=server
END
run 134 --scenario "$WORK/hopeless.scenario"
says "$ERR" 'does not hold: ' "repeat with: peersync-sim --scenario '.*hopeless\.scenario' --seed 1 --batch 64"
! grep -q -e --minimise "$ERR" || fail "--minimise is offered"

run 0 --seed 4 --peers 8 --minutes 1 --mix storm
! grep -q 'bursts of loss' "$OUT" || fail "faults in a storm"

# Every machine's history is kept, does not show in the hash, and replays equal.
run 0 --seed 3 --peers 8 --minutes 4
hash=$(sed -n 's/^  hash  *//p' "$OUT")
run 0 --seed 3 --peers 8 --minutes 4 --journal "$WORK/journals"
says "$OUT" "^  hash +$hash\$"
[[ -s $WORK/journals/server.journal && -s $WORK/journals/peer-7.journal ]] || fail "no journals"
ls "$WORK"/journals/*.2.journal >"$OUT" || fail "nobody had a second life"
for journal in "$WORK"/journals/*.journal; do
    "${REPLAY[@]}" "$journal" >"$OUT" 2>"$ERR" || fail "$journal does not replay equal"
done
run 9 --seed 3 --peers 2 --minutes 1 --journal "$WORK/out/of/here"
says "$ERR" '--journal .*: '

# Faults can be left out; the seed's others stay. What does not fail is not shortened.
run 0 --peers 8 --minutes 2 --skip-faults 1-
! grep -qE '^ +[1-9][0-9]*  (bad weather|server killed|flipped)' "$OUT" || fail "a fault"
run 0 --peers 4 --seconds 20 --minimise --quiet
says "$OUT" '^nothing fails'
run 2 --skip-faults 3,x
says "$ERR" '--skip-faults: numbers from 1'
run 2 --skip-faults 3 --only-faults 4
says "$ERR" 'either --skip-faults or --only-faults'
run 2 --minimise --seeds 2
says "$ERR" '--minimise is for the one seed'

# What a disk lied about, a start that finds it in the system's cache does not make durable.
cat >"$WORK/lies.scenario" <<'END'
swarm peers=2 seconds=40 users=idle
at 3s publish nodes=0 file=1
at 5s disk lies for=6s
at 7s publish nodes=0 file=2
at 10s crash nodes=server for=100ms
at 12s crash nodes=server tail=lost for=1s
END
run 0 --scenario "$WORK/lies.scenario"
says "$OUT" '^  hash '

# Random partitions part those behind boxes, too.
cat >"$WORK/boxes.scenario" <<'END'
swarm peers=2 seconds=60
group name=homes peers=0-1 nat=symmetric
at 10s fault kind=partition
at 20s fault kind=partition
at 30s fault kind=partition
at 40s fault kind=partition
END
run 0 --scenario "$WORK/boxes.scenario"
says "$OUT" ' [1-9][0-9]* stopped by partitions'

# What comes to nothing did not happen.
cat >"$WORK/nothing.scenario" <<'END'
swarm peers=2 seconds=30 users=idle
at 5s logout nodes=0
at 6s logout nodes=0
at 7s reboot nodes=1
END
run 0 --scenario "$WORK/nothing.scenario"
says "$OUT" '  1 of 3 events happened$'

# All kinds of faults have room in a message.
printf 'swarm peers=2 seconds=9\nat 1s fault kind=zebra\n' >"$WORK/zebra.scenario"
run 2 --scenario "$WORK/zebra.scenario"
says "$ERR" 'zebra.scenario:2: .*it is one of weather, .*, passwords?, floods?$'

# Words that are wrong.
run 0 --help
says "$OUT" '^usage: peersync-sim ' '--check-every N' '^    2  the command line or the scenario cannot be used$' \
    '^  flash-crowd  '
run 0 --story
says "$OUT" '^stories:$' '^  attacks  ' '^  flash-crowd  '
run 2 --story flash-crwd
says "$ERR" "there is no story 'flash-crwd'; did you mean flash-crowd\?\$" '^  flash-crowd  '
run 2 --story nothing-like-it
says "$ERR" "there is no story 'nothing-like-it'\$" '^  flash-crowd  '
run 2 --mix curel
says "$ERR" "there is no 'curel'; did you mean cruel\?\$"
run 2 --sede 3
says "$ERR" 'unknown option --sede; did you mean --seed\?$' "^Try 'peersync-sim --help'\.\$"
run 2 --peers 1001
run 2 --batch 65
run 2 --watch --seeds 2
says "$ERR" '--watch shows one seed'
run 2 --story flash-crowd --peers 3
says "$ERR" 'a story takes only --seed, --batch, --watch and --quiet'
run 2 --watch --story million
says "$ERR" 'a million are too many to --watch'
run 2 7
says "$ERR" 'every word belongs to an option'
echo "the program says what it should"
