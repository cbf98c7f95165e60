package io.sluice.servers;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import kafka.Kafka;
import kafka.tools.StorageTool;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A Kafka broker in a process of its own (KRaft, broker and controller in one), with the Kafka of
 * the test class path. It ends with the JVM that started it, however that one ends.
 *
 * <p>{@link #stop}, {@link #kill} and {@link #start()} work on the same port and data.
 */
public final class KafkaServer implements AutoCloseable {
  private static final String LOG_DIRECTORY = "log";
  private static final Duration START_LIMIT = Duration.ofSeconds(60);
  private static final Duration STOP_LIMIT = Duration.ofSeconds(30);
  private static final Duration CLIENT_LIMIT = Duration.ofSeconds(30);

  private static final ClassArchive ARCHIVE = new ClassArchive("kafka");

  private static final class Shared {
    static final KafkaServer INSTANCE = closedAtExit(setup().start());

    private static KafkaServer closedAtExit(KafkaServer server) {
      Runtime.getRuntime().addShutdownHook(new Thread(server::closeNow, "close-kafka"));
      return server;
    }
  }

  /** What a server is to be, before it starts. */
  public static final class Setup {
    private final Map<String, String> settings = new LinkedHashMap<>();
    private int ways;
    private KafkaServer first;

    private Setup() {}

    /** One entry of server.properties, for instance {@code auto.create.topics.enable}. */
    public Setup setting(String name, String value) {
      settings.put(name, value);
      return this;
    }

    /** So many proxies, each of which clients stay behind that began there. */
    public Setup ways(int count) {
      ways = count;
      return this;
    }

    /** A second broker of the cluster that another server is; without a controller of its own. */
    public Setup beside(KafkaServer server) {
      first = server;
      return this;
    }

    public KafkaServer start() {
      return new KafkaServer(this).start();
    }
  }

  private final Path directory = Scratch.directory("kafka");
  private final int port = Scratch.freePort();
  private final int controllerPort;
  private final String cluster;
  private final List<ToxicProxy> ways = new ArrayList<>();
  private final Path properties;
  private Process process;

  private KafkaServer(Setup setup) {
    KafkaServer first = setup.first;
    controllerPort = first == null ? Scratch.freePort() : first.controllerPort;
    cluster = first == null ? Uuid.randomUuid().toString() : first.cluster;
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("process.roles", first == null ? "broker,controller" : "broker");
    settings.put("node.id", first == null ? "1" : "2");
    settings.put("controller.quorum.voters", "1@127.0.0.1:" + controllerPort);
    settings.put("controller.listener.names", "CONTROLLER");
    StringBuilder listeners = new StringBuilder("PLAINTEXT://127.0.0.1:" + port);
    if (first == null) {
      listeners.append(",CONTROLLER://127.0.0.1:").append(controllerPort);
    }
    StringBuilder advertised = new StringBuilder("PLAINTEXT://127.0.0.1:" + port);
    StringBuilder protocols = new StringBuilder("PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
    for (int i = 0; i < setup.ways; i++) {
      int inner = Scratch.freePort();
      ToxicProxy way = ToxicProxy.to(Scratch.LOOPBACK, inner);
      ways.add(way);
      listeners.append(",WAY").append(i).append("://127.0.0.1:").append(inner);
      advertised.append(",WAY").append(i).append("://127.0.0.1:").append(way.port());
      protocols.append(",WAY").append(i).append(":PLAINTEXT");
    }
    settings.put("listeners", listeners.toString());
    settings.put("advertised.listeners", advertised.toString());
    settings.put("listener.security.protocol.map", protocols.toString());
    settings.put("inter.broker.listener.name", "PLAINTEXT");
    settings.put("log.dirs", directory.resolve(LOG_DIRECTORY).toString());
    settings.put("auto.create.topics.enable", "false");
    settings.put("offsets.topic.replication.factor", "1");
    settings.put("offsets.topic.num.partitions", "4");
    settings.put("transaction.state.log.replication.factor", "1");
    settings.put("transaction.state.log.min.isr", "1");
    settings.put("transaction.state.log.num.partitions", "4");
    settings.put("group.initial.rebalance.delay.ms", "0");
    // With the default of 9 s a killed broker is taken for alive, and refused, that long.
    settings.put("broker.session.timeout.ms", "2000");
    settings.put("broker.heartbeat.interval.ms", "500");
    settings.put("log.cleaner.dedupe.buffer.size", "4194304");
    settings.putAll(setup.settings);
    StringBuilder text = new StringBuilder();
    settings.forEach((name, value) -> text.append(name).append('=').append(value).append('\n'));
    properties = Scratch.write(directory.resolve("server.properties"), text.toString());
    Scratch.write(
        directory.resolve("logback.xml"),
        """
        <configuration>
          <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
            <encoder><pattern>%d %level %logger{20} %msg%n</pattern></encoder>
          </appender>
          <root level="info"><appender-ref ref="out"/></root>
        </configuration>
        """);
  }

  /** The broker that all tests of this JVM share; use topics of your own on it. */
  public static KafkaServer shared() {
    return Shared.INSTANCE;
  }

  public static Setup setup() {
    return new Setup();
  }

  /**
   * The broker's process. The arguments are server.properties and the id of the cluster. Its
   * standard input is held open by the parent, so that its end shows the end of the parent.
   */
  public static void main(String[] arguments) throws IOException {
    Thread parent = new Thread(KafkaServer::haltAtEndOfInput, "parent");
    parent.setDaemon(true);
    parent.start();
    Path log = Path.of(arguments[0]).resolveSibling(LOG_DIRECTORY);
    if (Files.notExists(log.resolve("meta.properties"))) {
      StorageTool.execute(
          new String[] {"format", "-c", arguments[0], "-t", arguments[1]}, System.out);
    }
    Kafka.main(new String[] {arguments[0]});
  }

  private static void haltAtEndOfInput() {
    try {
      while (System.in.read() >= 0) {
        // The parent never writes.
      }
    } catch (IOException e) {
      // As good as the end.
    }
    Runtime.getRuntime().halt(1);
  }

  /** Starts again on the data and the port of before; does nothing when the server runs. */
  public synchronized KafkaServer start() {
    if (process != null) {
      return this;
    }
    try {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(List.of("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
      command.addAll(ARCHIVE.options());
      command.add("-Dlogback.configurationFile=" + directory.resolve("logback.xml"));
      command.addAll(List.of("-cp", ClassArchive.classPath(null)));
      command.addAll(List.of(KafkaServer.class.getName(), properties.toString(), cluster));
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(
                  ProcessBuilder.Redirect.appendTo(directory.resolve("server.log").toFile()))
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    awaitReady();
    ARCHIVE.learn(process);
    return this;
  }

  private void awaitReady() {
    long end = System.nanoTime() + START_LIMIT.toNanos();
    Admin admin = admin();
    try {
      while (System.nanoTime() < end && process.isAlive()) {
        try {
          admin.describeCluster().nodes().get(1, TimeUnit.SECONDS);
          return;
        } catch (ExecutionException | TimeoutException e) {
          // Not yet: the loop ends with the process or with the limit.
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      // The plain close would wait for the calls that were given up.
      admin.close(Duration.ZERO);
    }
    throw new IllegalStateException("Kafka did not start:\n" + log());
  }

  /** {@code host:port}. */
  public String bootstrap() {
    return Scratch.LOOPBACK + ":" + port;
  }

  public int port() {
    return port;
  }

  /** A proxy before the broker, see {@link Setup#ways}. */
  public ToxicProxy way(int index) {
    return ways.get(index);
  }

  /** The caller closes the client. */
  public Admin admin() {
    return Admin.create(
        Map.of(
            "bootstrap.servers",
            bootstrap(),
            "reconnect.backoff.ms",
            "100",
            "reconnect.backoff.max.ms",
            "200"));
  }

  public void createTopic(String name, int partitions) {
    try (Admin admin = admin()) {
      result(admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1))).all());
    }
  }

  /** Sends one record and waits until the broker has it. Headers are UTF-8; values may be null. */
  public RecordMetadata send(String topic, String key, byte[] value, Map<String, String> headers) {
    try (KafkaProducer<String, byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", bootstrap(), "acks", "all"),
            new StringSerializer(),
            new ByteArraySerializer())) {
      ProducerRecord<String, byte[]> record = new ProducerRecord<>(topic, key, value);
      headers.forEach((name, text) -> record.headers().add(name, text.getBytes(UTF_8)));
      return result(producer.send(record));
    }
  }

  /**
   * Reads a topic from its beginning, outside any consumer group, until it has this many records.
   *
   * @return what arrived within the limit, per partition in order; fewer when the limit passed
   */
  public List<ConsumerRecord<String, byte[]>> read(String topic, int count, Duration limit) {
    List<ConsumerRecord<String, byte[]>> records = new ArrayList<>();
    try (KafkaConsumer<String, byte[]> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", bootstrap()),
            new StringDeserializer(),
            new ByteArrayDeserializer())) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(topic).stream()
              .map(info -> new TopicPartition(topic, info.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      long end = System.nanoTime() + limit.toNanos();
      while (records.size() < count && System.nanoTime() < end) {
        consumer.poll(Duration.ofMillis(100)).forEach(records::add);
      }
    }
    return records;
  }

  /** All that a topic holds now, per partition in order; fewer when that takes too long. */
  public List<ConsumerRecord<byte[], byte[]>> records(String topic) {
    List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", bootstrap()),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(topic).stream()
              .map(info -> new TopicPartition(topic, info.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      long end = System.nanoTime() + CLIENT_LIMIT.toNanos();
      while (ends.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())
          && System.nanoTime() < end) {
        consumer.poll(Duration.ofMillis(50)).forEach(records::add);
      }
    }
    return records;
  }

  private static <T> T result(Future<T> future) {
    try {
      return future.get(CLIENT_LIMIT.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while the broker worked.", e);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("The broker did not do what the test asked for.", e);
    }
  }

  /** What the broker wrote so far. */
  public String log() {
    try {
      return Files.readString(directory.resolve("server.log"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Ends the broker as an operator would (SIGTERM). */
  public synchronized void stop() {
    end(false);
  }

  /** Ends the broker at once ({@code kill -9}). */
  public synchronized void kill() {
    end(true);
  }

  /** Freezes the broker ({@code kill -STOP}): it accepts connections and answers nothing. */
  public synchronized void pause() {
    Signals.send("STOP", process.toHandle());
  }

  public synchronized void resume() {
    Signals.send("CONT", process.toHandle());
  }

  private void end(boolean atOnce) {
    if (process == null) {
      return;
    }
    if (atOnce) {
      process.destroyForcibly();
    } else {
      // Process.destroy() would also close its standard input, and it would halt at once.
      process.toHandle().destroy();
    }
    try {
      if (!process.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    process = null;
  }

  @Override
  public synchronized void close() {
    stop();
    ways.forEach(ToxicProxy::close);
    Scratch.delete(directory);
  }

  /** Nothing of the shared broker is needed again, so its clean stop would only take time. */
  private synchronized void closeNow() {
    kill();
    Scratch.delete(directory);
  }
}
