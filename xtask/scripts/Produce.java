import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Produces with Apache Kafka's own client: the load that members work on, and the transactions that
 * no other producer writes quite like it. Prints the number of records that were acknowledged.
 *
 * <pre>
 * keyed BOOTSTRAP TOPIC COUNT KEYS RATE   COUNT records over KEYS keys, RATE a second (0: no limit)
 * transactions BOOTSTRAP TOPIC COUNT SIZE PARTITIONS
 *     COUNT transactions of SIZE records for each partition; the third of every three is aborted
 * </pre>
 */
public final class Produce {
    public static void main(String[] args) throws Exception {
        Properties options = new Properties();
        options.put("bootstrap.servers", args[1]);
        options.put("acks", "all");
        options.put("linger.ms", "5");
        options.put("key.serializer", StringSerializer.class.getName());
        options.put("value.serializer", StringSerializer.class.getName());
        String topic = args[2];
        int count = Integer.parseInt(args[3]);
        if (args[0].equals("keyed")) {
            keyed(options, topic, count, Integer.parseInt(args[4]), Integer.parseInt(args[5]));
        } else {
            transactions(options, topic, count, Integer.parseInt(args[4]), Integer.parseInt(args[5]));
        }
    }

    private static void keyed(Properties options, String topic, int count, int keys, int rate)
            throws Exception {
        AtomicLong acknowledged = new AtomicLong();
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(options)) {
            long began = System.nanoTime();
            for (int i = 0; i < count; i++) {
                if (rate > 0) {
                    long due = began + i * 1_000_000_000L / rate;
                    long early = due - System.nanoTime();
                    if (early > 1_000_000) {
                        Thread.sleep(early / 1_000_000);
                    }
                }
                producer.send(new ProducerRecord<>(topic, "k" + i % keys, "v" + i), (at, error) -> {
                    if (error == null) {
                        acknowledged.incrementAndGet();
                    } else {
                        error.printStackTrace();
                    }
                });
            }
        }
        System.out.println(acknowledged.get());
        if (acknowledged.get() != count) {
            System.exit(1);
        }
    }

    private static void transactions(
            Properties options, String topic, int count, int size, int partitions) {
        options.put("transactional.id", "transactions-of-" + topic);
        long committed = 0;
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(options)) {
            producer.initTransactions();
            for (int transaction = 0; transaction < count; transaction++) {
                producer.beginTransaction();
                for (int i = 0; i < size * partitions; i++) {
                    String value = "t" + transaction + "-" + i;
                    producer.send(new ProducerRecord<>(topic, i % partitions, "k" + i % 7, value));
                }
                // What is not flushed is not in the log when it is aborted.
                producer.flush();
                if (transaction % 3 == 2) {
                    producer.abortTransaction();
                } else {
                    producer.commitTransaction();
                    committed += size * partitions;
                }
            }
        }
        System.out.println(committed);
    }
}
