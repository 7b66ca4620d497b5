"""Counts what a run of a consumer group did: count.py BOOTSTRAP TOPIC GROUP HISTORIES

An independent second opinion on `surefoot check`: another language, another Kafka client, written
from docs/history.md alone. It reads the topic and the group's committed offsets from the brokers and
the members' histories from their files, and prints one JSON object.

  produced           visible records of the topic
  handled            distinct records whose handler succeeded
  started            distinct records whose handler was called
  lost               records below the committed offset that were not handled
                     (at-most-once: that were not even started)
  repeated           handler calls of a record beyond its first
  repeated_committed of these, calls after a commit that covers the record was acknowledged
  out_of_order       handler calls of a record before an earlier record of its key was done
  started_early      at-most-once: calls before a commit that covers the record was acknowledged
  lag                records between the committed offsets and the ends
  kills              processes that ended without saying so
  window             the largest at-most-once window that a process was told
"""

import collections
import json
import os
import re
import sys

from kafka import KafkaConsumer, TopicPartition

INFINITY = float("inf")


def read_topic(bootstrap, topic, group):
    """Offsets and keys by partition, and the committed offset by partition."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_poll_records=10_000,
    )
    partitions = [TopicPartition(topic, it) for it in consumer.partitions_for_topic(topic)]
    # An assignment by hand: this consumer is no member and disturbs nobody.
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    records = {it.partition: [] for it in partitions}
    while any(consumer.position(it) < ends[it] for it in partitions):
        for partition, batch in consumer.poll(timeout_ms=1000).items():
            records[partition.partition] += ((record.offset, record.key) for record in batch)
    committed = {it.partition: consumer.committed(it) or 0 for it in partitions}
    lag = sum(ends[it] - committed[it.partition] for it in partitions)
    consumer.close()
    return records, committed, lag


def read_histories(directory):
    """All lines as (order, process, fields), in the order of the run, and the processes."""
    lines, processes = [], {}
    for name in sorted(os.listdir(directory)):
        if not re.fullmatch(r".+-\d+\.ndjson", name):
            continue
        with open(os.path.join(directory, name), "rb") as history:
            text = history.read()
        whole = text.split(b"\n")[:-1]
        exited = False
        for number, line in enumerate(whole):
            fields = json.loads(line)
            exited = exited or fields["event"] == "exited"
            lines.append(((fields["at"], name, number), name, fields))
        processes[name] = {"begin": json.loads(whole[0]), "killed": not exited}
    lines.sort(key=lambda it: it[0])
    return lines, processes


def main(bootstrap, topic, group, directory):
    records, committed, lag = read_topic(bootstrap, topic, group)
    lines, processes = read_histories(directory)
    at_most_once = any(it["begin"]["guarantee"] == "at-most-once" for it in processes.values())

    starts = []  # (order, process, term, partition, offset), in order
    calls = collections.Counter()  # by (partition, offset)
    done = {}  # (partition, offset) -> when its handler first succeeded
    acknowledged = collections.defaultdict(int)  # partition -> highest position so far
    covered_in_term = collections.defaultdict(int)  # (process, partition, term) -> position
    sent = {}  # (process, commit, partition) -> term
    repeated = repeated_committed = started_early = 0
    for order, process, fields in lines:
        event = fields["event"]
        if event == "started" and fields["topic"] == topic:
            partition, term = fields["partition"], fields["term"]
            if fields.get("count", 1) != 1:
                raise SystemExit("batches are not counted here")
            record = (partition, fields["offset"])
            starts.append((order, process, term, *record))
            calls[record] += 1
            if calls[record] > 1:
                repeated += 1
                repeated_committed += acknowledged[partition] > fields["offset"]
            started_early += covered_in_term[process, partition, term] <= fields["offset"]
        elif event == "ended" and fields["result"] == "ok":
            done.setdefault((fields["partition"], fields["offset"]), order)
        elif event == "commit_sent":
            for it in fields["positions"]:
                sent[process, fields["commit"], it["partition"]] = it["term"]
        elif event == "commit_ended":
            for it in fields["results"]:
                if it["outcome"] == "done":
                    partition, position = it["partition"], it["position"]
                    acknowledged[partition] = max(acknowledged[partition], position)
                    term = process, partition, sent[process, fields["commit"], partition]
                    covered_in_term[term] = max(covered_in_term[term], position)

    produced = sum(len(it) for it in records.values())
    lost = sum(
        offset < committed[partition]
        and (partition, offset) not in (calls if at_most_once else done)
        for partition, of_partition in records.items()
        for offset, _ in of_partition
    )
    print(
        json.dumps(
            {
                "produced": produced,
                "handled": len(done),
                "started": len(calls),
                "lost": lost,
                "repeated": repeated,
                "repeated_committed": repeated_committed,
                "out_of_order": count_out_of_order(records, starts, done, calls, at_most_once),
                "started_early": started_early if at_most_once else 0,
                "lag": lag,
                "kills": sum(it["killed"] for it in processes.values()),
                "window": max(it["begin"].get("window") or 0 for it in processes.values()),
            }
        )
    )


def count_out_of_order(records, starts, done, calls, at_most_once):
    """Calls of a record before an earlier record of its key was done."""
    first_start = {}
    for order, _, _, partition, offset in starts:
        first_start.setdefault((partition, offset), order)

    def done_at(record):
        if record in done:
            return done[record]
        # Under at-most-once, a record whose process was killed is over: it never comes again.
        if at_most_once:
            return first_start.get(record, (-INFINITY,))
        return (INFINITY,)

    by_key = collections.defaultdict(list)
    for partition, of_partition in records.items():
        for offset, key in of_partition:
            if key is not None:
                by_key[partition, key].append(offset)
    # For each record, when the last of the earlier records of its key was done.
    ready = {}
    for (partition, _), offsets in by_key.items():
        latest = (-INFINITY,)
        for offset in sorted(offsets):
            ready[partition, offset] = latest
            latest = max(latest, done_at((partition, offset)))
    return sum(
        ready.get((partition, offset), (-INFINITY,)) > order
        for order, _, _, partition, offset in starts
    )


main(*sys.argv[1:])
