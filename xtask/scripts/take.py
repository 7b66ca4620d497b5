"""Takes records as a member of a group with kafka-python: take.py BOOTSTRAP GROUP TOPIC COUNT

Joins, reads COUNT records, commits the positions behind them, leaves. Prints one JSON object: what
was committed before and after, and the offsets that were read, all by partition.
"""

import json
import sys

from kafka import KafkaConsumer


def committed(consumer):
    positions = {it.partition: consumer.committed(it) for it in consumer.assignment()}
    return {partition: it for partition, it in positions.items() if it is not None}


def main(bootstrap, group, topic, count):
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    before, read, taken = None, {}, 0
    while taken < int(count):
        # One at a time, so that the position is behind what was counted and nothing more.
        for batch in consumer.poll(timeout_ms=200, max_records=1).values():
            before = committed(consumer) if before is None else before
            for record in batch:
                read.setdefault(record.partition, []).append(record.offset)
                taken += 1
    consumer.commit()
    print(json.dumps({"before": before, "read": read, "after": committed(consumer)}))
    consumer.close()


main(*sys.argv[1:])
