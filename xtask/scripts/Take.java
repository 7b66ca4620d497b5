import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Takes records as a member of a group with Apache Kafka's own client: Take BOOTSTRAP GROUP TOPIC COUNT.
 *
 * <p>Joins, reads COUNT records, commits the positions behind them, leaves. Prints one JSON object:
 * what was committed before and after, and the offsets that were read, all by partition.
 */
public final class Take {
    public static void main(String[] args) {
        Properties options = new Properties();
        options.put("bootstrap.servers", args[0]);
        options.put("group.id", args[1]);
        options.put("enable.auto.commit", "false");
        options.put("auto.offset.reset", "earliest");
        options.put("isolation.level", "read_committed");
        // One at a time, so that the position is behind what was counted and nothing more.
        options.put("max.poll.records", "1");
        options.put("key.deserializer", StringDeserializer.class.getName());
        options.put("value.deserializer", StringDeserializer.class.getName());
        int count = Integer.parseInt(args[3]);
        TreeMap<Integer, List<Long>> read = new TreeMap<>();
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(options)) {
            consumer.subscribe(Set.of(args[2]));
            int taken = 0;
            String before = null;
            while (taken < count) {
                for (ConsumerRecord<String, String> it : consumer.poll(Duration.ofMillis(200))) {
                    if (before == null) {
                        before = committed(consumer);
                    }
                    read.computeIfAbsent(it.partition(), p -> new ArrayList<>()).add(it.offset());
                    taken++;
                }
            }
            consumer.commitSync();
            System.out.printf("{\"before\":%s,\"read\":%s,\"after\":%s}%n",
                    before, json(read), committed(consumer));
        }
    }

    private static String committed(KafkaConsumer<String, String> consumer) {
        TreeMap<Integer, Long> positions = new TreeMap<>();
        consumer.committed(consumer.assignment()).forEach((partition, it) -> {
            if (it != null) {
                positions.put(partition.partition(), it.offset());
            }
        });
        return json(positions);
    }

    private static String json(Map<Integer, ?> map) {
        StringBuilder text = new StringBuilder("{");
        map.forEach((key, value) -> text.append(text.length() > 1 ? "," : "")
                .append('"').append(key).append("\":").append(value));
        return text.append('}').toString();
    }
}
