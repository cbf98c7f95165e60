package io.sluice.start.embedded;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Exit;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.Features;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A Kafka broker inside this JVM (KRaft, broker and controller in one), on loopback. It has no
 * process of its own that could outlive a killed run.
 *
 * <p>Thread-safe.
 */
public final class EmbeddedBroker implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedBroker.class);
  private static final int NODE = 1;
  private static final String CONTROLLER = "CONTROLLER";
  private static final int PARTITIONS = 4;
  private static final Duration TOPICS_LIMIT = Duration.ofSeconds(30);

  private final DataDirectory directory;
  private final KafkaRaftServer server;
  private final int port;

  private EmbeddedBroker(DataDirectory directory, KafkaRaftServer server, int port) {
    this.directory = directory;
    this.server = server;
    this.port = port;
  }

  static EmbeddedBroker start(Path path, int wantedPort, List<String> topics, Runnable lost) {
    if (wantedPort != 0 && !LoopbackPort.isFree(wantedPort)) {
      throw new IllegalStateException(
          "Port "
              + wantedPort
              + " of the embedded Kafka broker is taken on "
              + LoopbackPort.HOST
              + "; set KAFKA_PORT to another one, or KAFKA_BROKERS to a broker of your own.");
    }
    int port = wantedPort == 0 ? LoopbackPort.free() : wantedPort;
    DataDirectory directory = DataDirectory.claim(path);
    EmbeddedBroker broker = null;
    // It would end the JVM at once, and leave behind what was started beside it.
    Exit.Procedure end = (status, message) -> end(path, lost);
    Exit.setHaltProcedure(end);
    Exit.setExitProcedure(end);
    try {
      Path log = directory.resolve("log");
      format(log);
      KafkaRaftServer server =
          new KafkaRaftServer(
              KafkaConfig.fromProps(settings(log, port, LoopbackPort.free()), false), Time.SYSTEM);
      broker = new EmbeddedBroker(directory, server, port);
      server.startup();
      broker.createMissing(topics);
      return broker;
    } catch (RuntimeException e) {
      if (broker == null) {
        directory.close();
      } else {
        broker.close();
      }
      throw new IllegalStateException(
          "The embedded Kafka broker did not start; set KAFKA_BROKERS to a broker of your own.", e);
    }
  }

  private static void end(Path path, Runnable lost) {
    LOG.atError()
        .log(
            "The embedded Kafka broker cannot go on, and Sluice stops. Is there room in {}?", path);
    lost.run();
  }

  /** {@code meta.properties} is written last, so that a format which was cut off is done again. */
  private static void format(Path log) {
    if (Files.exists(log.resolve("meta.properties"))) {
      return;
    }
    try {
      Files.createDirectories(log);
      new Formatter()
          .setPrintStream(
              new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8))
          .setClusterId(Uuid.randomUuid().toString())
          .setNodeId(NODE)
          .setSupportedFeatures(Features.PRODUCTION_FEATURES)
          .setControllerListenerName(CONTROLLER)
          .setDirectories(Set.of(log.toString()))
          .setMetadataLogDirectory(log.toString())
          .run();
    } catch (Exception e) {
      throw new IllegalStateException("The directory " + log + " could not be prepared.", e);
    }
  }

  private static Properties settings(Path log, int port, int controllerPort) {
    Properties settings = new Properties();
    settings.setProperty("process.roles", "broker,controller");
    settings.setProperty("node.id", Integer.toString(NODE));
    settings.setProperty(
        "controller.quorum.voters", NODE + "@" + LoopbackPort.HOST + ":" + controllerPort);
    settings.setProperty("controller.listener.names", CONTROLLER);
    settings.setProperty(
        "listeners",
        "PLAINTEXT://%1$s:%2$d,%3$s://%1$s:%4$d"
            .formatted(LoopbackPort.HOST, port, CONTROLLER, controllerPort));
    settings.setProperty(
        "advertised.listeners", "PLAINTEXT://%s:%d".formatted(LoopbackPort.HOST, port));
    settings.setProperty(
        "listener.security.protocol.map", "PLAINTEXT:PLAINTEXT," + CONTROLLER + ":PLAINTEXT");
    settings.setProperty("log.dirs", log.toString());
    settings.setProperty("auto.create.topics.enable", "false");
    settings.setProperty("offsets.topic.replication.factor", "1");
    settings.setProperty("offsets.topic.num.partitions", Integer.toString(PARTITIONS));
    settings.setProperty("transaction.state.log.replication.factor", "1");
    settings.setProperty("transaction.state.log.min.isr", "1");
    settings.setProperty("transaction.state.log.num.partitions", Integer.toString(PARTITIONS));
    settings.setProperty("group.initial.rebalance.delay.ms", "0");
    // After a kill, the start waits until the broker of before is given up.
    settings.setProperty("broker.session.timeout.ms", "2000");
    settings.setProperty("broker.heartbeat.interval.ms", "500");
    // The defaults are those of a machine of its own.
    settings.setProperty("log.cleaner.dedupe.buffer.size", "4194304");
    settings.setProperty("num.network.threads", "1");
    settings.setProperty("num.io.threads", "2");
    settings.setProperty("background.threads", "2");
    return settings;
  }

  private void createMissing(List<String> topics) {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap()))) {
      Set<String> present =
          admin.listTopics().names().get(TOPICS_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
      List<NewTopic> missing =
          topics.stream()
              .filter(name -> !present.contains(name))
              .map(name -> new NewTopic(name, PARTITIONS, (short) 1))
              .toList();
      admin.createTopics(missing).all().get(TOPICS_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while topics were made.", e);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("The topics could not be made.", e);
    }
  }

  /** {@code host:port}, for clients on this machine. */
  public String bootstrap() {
    return LoopbackPort.HOST + ":" + port;
  }

  /** Ends the broker in an orderly way and waits for it. Close the clients first. */
  @Override
  public void close() {
    try {
      server.shutdown();
      server.awaitShutdown();
    } finally {
      directory.close();
    }
  }
}
